package alerts

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// Webhook posts alerts as JSON to a URL.
type Webhook struct {
	url     string
	timeout time.Duration
	// way is not a client, which follows redirects (a POST becomes a GET and
	// seems to succeed) and names the URL in its errors.
	way http.RoundTripper
}

// NewWebhook makes a webhook. Whatever a URL holds besides its host may be a
// secret, and so is kept out of errors.
func NewWebhook(address string, timeout time.Duration) *Webhook {
	return &Webhook{url: address, timeout: timeout, way: http.DefaultTransport}
}

// Name is "webhook".
func (*Webhook) Name() string { return "webhook" }

// Send posts an alert; any answer but 2xx is an error.
func (w *Webhook) Send(ctx context.Context, a Alert) error {
	body, err := json.Marshal(a)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, w.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, bytes.NewReader(body))
	if err != nil {
		return errors.New("the webhook's URL is not valid")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "sluice")
	login(req, req.URL.User)
	res, err := w.way.RoundTrip(req)
	if err != nil {
		return fmt.Errorf("webhook at %s: %w", req.URL.Host, err)
	}
	defer func() { _ = res.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10)) // so that the connection is used again
	switch res.StatusCode / 100 {
	case 2:
		return nil
	case 3:
		return fmt.Errorf("webhook at %s answered %d: it has moved; configure the URL where it is now", req.URL.Host, res.StatusCode)
	}
	return fmt.Errorf("webhook at %s answered %d %s", req.URL.Host, res.StatusCode, http.StatusText(res.StatusCode))
}

// login sends the user and password that stand in the URL.
func login(req *http.Request, user *url.Userinfo) {
	if user == nil {
		return
	}
	password, _ := user.Password()
	req.SetBasicAuth(user.Username(), password)
}
