package gateway

import (
	"io"
	"net/http"
	"time"
)

// patientBody gives each read of a body its own deadline.
type patientBody struct {
	io.ReadCloser
	c *http.ResponseController
}

// Read implements io.Reader.
func (b *patientBody) Read(p []byte) (int, error) {
	_ = b.c.SetReadDeadline(time.Now().Add(stallTimeout)) // a test's recorder has none
	return b.ReadCloser.Read(p)
}

// patientWriter gives each write of an answer its own deadline.
type patientWriter struct {
	http.ResponseWriter
	c    *http.ResponseController
	next time.Time // owned by the request
}

// Write implements io.Writer.
func (w *patientWriter) Write(p []byte) (int, error) {
	if now := time.Now(); now.After(w.next) {
		_ = w.c.SetWriteDeadline(now.Add(stallTimeout)) // a test's recorder has none
		w.next = now.Add(time.Second)
	}
	return w.ResponseWriter.Write(p)
}

// Flush implements http.Flusher: answers that stream need it.
func (w *patientWriter) Flush() { _ = w.c.Flush() }

// Unwrap lets http.ResponseController find what it needs.
func (w *patientWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
