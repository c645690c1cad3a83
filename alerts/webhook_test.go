package alerts

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestWebhookPosts(t *testing.T) {
	var got Alert
	var user, password string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" || r.URL.Path != "/hook" || r.URL.RawQuery != "token=s3" {
			t.Errorf("%s %s %v", r.Method, r.URL, r.Header)
		}
		user, password, _ = r.BasicAuth()
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
			t.Error(err)
		}
		w.WriteHeader(http.StatusAccepted)
	}))
	defer s.Close()
	address := strings.Replace(s.URL, "http://", "http://me:pw@", 1) + "/hook?token=s3"
	a := Alert{ID: "a", Status: Firing, Count: 3, Value: "v", Examples: []string{"1"}}
	if err := NewWebhook(address, time.Minute).Send(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	if got.ID != "a" || got.Status != Firing || got.Count != 3 || user != "me" || password != "pw" {
		t.Errorf("%+v, by %s:%s", got, user, password)
	}
}

func TestWebhookFailures(t *testing.T) {
	leave := make(chan struct{})
	answer := func(status int, header ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			for i := 0; i < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(status)
			_, _ = io.WriteString(w, r.URL.String())
		}
	}
	for name, c := range map[string]struct {
		serve http.HandlerFunc
		want  string
	}{
		"moved":        {answer(302, "Location", "/elsewhere?token=s3cret"), "answered 302: it has moved; configure"},
		"moved, badly": {answer(301, "Location", "http://[::1/%zz?token=s3cret"), "answered 301: it has moved"},
		"broken":       {answer(500), "answered 500 Internal Server Error"},
		"refused":      {answer(403), "answered 403 Forbidden"},
		"odd":          {answer(799), "answered 799"},
		"hangs":        {func(_ http.ResponseWriter, r *http.Request) { <-leave }, "context deadline exceeded"},
		"cut off":      {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(c.serve)
			defer s.Close()
			timeout := time.Minute
			if name == "hangs" {
				defer close(leave)
				timeout = 50 * time.Millisecond
			}
			address := strings.Replace(s.URL, "http://", "http://me:s3cret@", 1) + "/s3cret?token=s3cret"
			err := NewWebhook(address, timeout).Send(t.Context(), Alert{ID: "a"})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("%v, not %q", err, c.want)
			}
			if strings.Contains(err.Error(), "s3cret") || !strings.Contains(err.Error(), strings.TrimPrefix(s.URL, "http://")) {
				t.Errorf("%v: it must name the host and no more", err)
			}
		})
	}
	for _, address := range []string{"http://127.0.0.1:1/s3cret", "http://no.such.host.invalid/s3cret", "http://%zz/s3cret", "::s3cret", "gopher://x/s3cret"} {
		if err := NewWebhook(address, 5*time.Second).Send(t.Context(), Alert{}); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestTopicKeysByAlert(t *testing.T) {
	var key, value []byte
	refused := errors.New("refused")
	topic := Topic{Append: func(_ context.Context, k, v []byte) error { key, value = k, v; return refused }}
	if err := topic.Send(t.Context(), Alert{ID: "a", Status: Resolved}); !errors.Is(err, refused) {
		t.Error(err)
	}
	var a Alert
	if err := json.Unmarshal(value, &a); err != nil || string(key) != "a" || a.Status != Resolved {
		t.Errorf("%s: %s", key, value)
	}
}
