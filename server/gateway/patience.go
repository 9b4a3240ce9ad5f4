package gateway

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"time"
)

// patient returns a handler that calls h and ends a request whose client transfers no byte for stallTimeout, however
// long the whole request takes (G-24).
func patient(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		whole, c := r, http.NewResponseController(w)
		writer := &patientWriter{ResponseWriter: w, c: c}
		if r.ProtoMajor == 1 { // not HTTP/2, where each stream has its own deadlines and ends when one passes
			writer.extend() // otherwise the deadline of the previous request would end this one
		}
		if r.ContentLength != 0 {
			body := &patientBody{ReadCloser: r.Body, writer: writer, stream: r.ProtoMajor != 1}
			if !body.stream {
				// net/http reads the rest of a body that h leaves, before it sends the answer.
				body.limitRest()
				defer body.limitRest()
			}
			// Replace the body in a copy: net/http inspects the original r to see if the client waits for 100 Continue.
			r = r.WithContext(r.Context())
			r.Body = body
		}
		h.ServeHTTP(writer, r)
		writer.extend() // net/http sends the buffered rest now
		if r.ProtoMajor == 2 {
			// net/http keeps the request until the client reads the rest. Each stream of a connection can have 96 KiB of
			// headers, path and host, for which a client needs no credentials (G-57).
			whole.Header, whole.URL, whole.RequestURI, whole.Host = nil, &url.URL{}, "", ""
		}
	})
}

// patientBody sets a read deadline before each read of a request body.
type patientBody struct {
	io.ReadCloser
	writer *patientWriter
	stream bool      // the body belongs to an HTTP/2 stream
	until  time.Time // no read lasts longer; zero: no limit
	ended  bool      // the whole body was read
}

// limitRest gives the client restTimeout from now to send the part of its body that no handler reads. After a body
// that was read to its end limitRest does nothing: net/http then reads to detect a disconnect, and would take a
// timeout for one.
func (b *patientBody) limitRest() {
	if !b.ended {
		_ = b.writer.c.SetReadDeadline(time.Now().Add(restTimeout)) // test recorders do not support it
	}
}

// Read reads from the request's body. It returns a timeout error if the client sends no byte for stallTimeout, or if
// b.until has passed. The end of the body removes the deadline.
func (b *patientBody) Read(p []byte) (int, error) {
	deadline := time.Now().Add(stallTimeout)
	if !b.until.IsZero() && b.until.Before(deadline) {
		deadline = b.until
	}
	_ = b.writer.c.SetReadDeadline(deadline) // test recorders do not support it
	if !b.stream {
		b.writer.extend() // the first read sends 100 Continue
	}
	n, err := b.ReadCloser.Read(p)
	b.ended = err == io.EOF
	// An HTTP/2 stream ends when its read deadline passes, even if no read is waiting. So no deadline stays set.
	if b.ended || b.stream {
		_ = b.writer.c.SetReadDeadline(time.Time{})
	}
	return n, err
}

// limitBody ends reads of the request's body at the deadline of ctx, so that a slow client does not prolong a call. It
// does nothing if ctx has no deadline or no [patient] handler wraps the request.
func limitBody(ctx context.Context, r *http.Request) {
	if b, ok := r.Body.(*patientBody); ok {
		b.until, _ = ctx.Deadline()
	}
}

// patientWriter sets a write deadline before writes, at most once a second.
type patientWriter struct {
	http.ResponseWriter
	c    *http.ResponseController
	next time.Time // owned by the request's goroutine: when the deadline may be set again
}

// mostWritten is the most bytes that a client must accept within stallTimeout.
const mostWritten = 32 << 10

// Write writes to the response. It fails if the client does not accept the next mostWritten bytes within about
// stallTimeout.
func (w *patientWriter) Write(p []byte) (n int, err error) {
	for {
		w.extend()
		// net/http applies the deadline to a whole write, so write in parts that a slow client can accept (G-24).
		end := min(n+mostWritten, len(p))
		var wrote int
		wrote, err = w.ResponseWriter.Write(p[n:end])
		if n += wrote; err != nil || end == len(p) {
			return n, err
		}
	}
}

// extend gives the client about stallTimeout from now to accept the next byte.
func (w *patientWriter) extend() {
	if now := time.Now(); now.After(w.next) {
		_ = w.c.SetWriteDeadline(now.Add(stallTimeout)) // test recorders do not support it
		w.next = now.Add(time.Second)
	}
}

// Flush sends buffered data to the client. It ignores errors and a writer that cannot flush.
func (w *patientWriter) Flush() { _ = w.c.Flush() }

// Unwrap returns the wrapped writer, so that http.ResponseController finds its methods.
func (w *patientWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
