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
	url    string
	client *http.Client
}

// NewWebhook makes a webhook. Whatever a URL holds besides its host may be a
// secret, and so is kept out of errors.
func NewWebhook(address string, timeout time.Duration) *Webhook {
	return &Webhook{url: address, client: &http.Client{
		Timeout: timeout,
		// A redirect would turn the POST into a GET and seem to succeed.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Name is "webhook".
func (*Webhook) Name() string { return "webhook" }

// Send posts an alert; any answer but 2xx is an error.
func (w *Webhook) Send(ctx context.Context, a Alert) error {
	body, err := json.Marshal(a)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, bytes.NewReader(body))
	if err != nil {
		return errors.New("the webhook's URL is not valid")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "sluice")
	res, err := w.client.Do(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err // without the URL
		}
		return fmt.Errorf("webhook at %s: %w", req.URL.Host, err)
	}
	defer func() { _ = res.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10)) // so that the connection is used again
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("webhook at %s answered %s", req.URL.Host, res.Status)
	}
	return nil
}
