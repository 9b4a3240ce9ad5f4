package gateway

import (
	"context"
	"io"
	"net/http"
	"time"
)

// patientBody sets a read deadline before each read of a request body.
type patientBody struct {
	io.ReadCloser
	c     *http.ResponseController
	until time.Time // no read lasts longer; zero: no limit
}

// Read reads from the request's body. It returns a timeout error if the client sends no byte for stallTimeout, or if
// b.until has passed.
func (b *patientBody) Read(p []byte) (int, error) {
	deadline := time.Now().Add(stallTimeout)
	if !b.until.IsZero() && b.until.Before(deadline) {
		deadline = b.until
	}
	_ = b.c.SetReadDeadline(deadline) // test recorders do not support it
	return b.ReadCloser.Read(p)
}

// limitBody ends reads of the request's body with ctx, so that a client that sends slowly keeps a call no longer than
// another. It does nothing without a deadline or a [patient] handler.
func limitBody(ctx context.Context, r *http.Request) {
	if b, ok := r.Body.(*patientBody); ok {
		b.until, _ = ctx.Deadline()
	}
}

// patientWriter sets a write deadline before writes, at most once a second.
type patientWriter struct {
	http.ResponseWriter
	c    *http.ResponseController
	next time.Time // owned by the request
}

// Write writes to the response. It fails if the client accepts no byte for about stallTimeout. The deadline is
// renewed at most once a second.
func (w *patientWriter) Write(p []byte) (int, error) {
	if now := time.Now(); now.After(w.next) {
		_ = w.c.SetWriteDeadline(now.Add(stallTimeout)) // test recorders do not support it
		w.next = now.Add(time.Second)
	}
	return w.ResponseWriter.Write(p)
}

// Flush sends buffered data to the client. It ignores errors and a writer that cannot flush.
func (w *patientWriter) Flush() { _ = w.c.Flush() }

// Unwrap returns the wrapped writer, so that http.ResponseController finds its methods.
func (w *patientWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
