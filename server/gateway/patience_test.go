package gateway

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/authzen"
	"github.com/refmon/refmon/server/gateway/refmonv1/refmonv1connect"
)

// pipes is a listener of in-process connections, for tests with a fake clock.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	c, ok := <-p
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}

func (p pipes) Close() error   { return nil }
func (p pipes) Addr() net.Addr { return &net.UnixAddr{} }

// TestStalledUploadIsDisconnected checks that a client that stops sending its body is disconnected after half a minute,
// however much it sent before, and that a slow one is not (G-24).
func TestStalledUploadIsDisconnected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := make(pipes)
		ended := make(chan error, 2)
		s := &http.Server{Handler: patient(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, err := io.Copy(io.Discard, r.Body)
			ended <- err
		})), ReadHeaderTimeout: headerTimeout}
		go func() { _ = s.Serve(l) }()
		a, b := net.Pipe()
		l <- b
		go func() { _, _ = io.Copy(io.Discard, bufio.NewReader(a)) }()
		begun := time.Now()
		_, _ = a.Write([]byte("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"))
		for range 5 {
			time.Sleep(stallTimeout - time.Second)
			check.Equal(t, check.Err(a.Write([]byte("x"))), nil, "G-24: a client that keeps sending was disconnected")
		}
		check.That(t, <-ended != nil, "G-24: half a body was taken for a whole one")
		check.Equal(t, time.Since(begun), 5*(stallTimeout-time.Second)+stallTimeout, "G-24: it was left after")
		_ = a.Close()
		close(l)
		_ = s.Close()
	})
}

// TestSlowBodyDoesNotProlongCall checks that a client that sends its question byte by byte keeps a call of the API no
// longer than its limit, and then its connection no longer than the time for the rest (docs/gateway.md).
func TestSlowBodyDoesNotProlongCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := make(pipes)
		ended := make(chan time.Time, 1)
		s := &http.Server{Handler: patient(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			ctx, cancel := context.WithTimeout(r.Context(), longestCall)
			defer cancel()
			limitBody(ctx, r)
			_, err := io.Copy(io.Discard, r.Body)
			check.That(t, err != nil, "half a body was taken for a whole one")
			ended <- time.Now()
		})), ReadHeaderTimeout: headerTimeout}
		go func() { _ = s.Serve(l) }()
		a, b := net.Pipe()
		l <- b
		go func() { _, _ = io.Copy(io.Discard, bufio.NewReader(a)) }()
		begun := time.Now()
		_, _ = a.Write([]byte("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"))
		for err := error(nil); err == nil && time.Since(begun) < 2*longestCall; _, err = a.Write([]byte("x")) {
			time.Sleep(longestCall / 7)
		}
		check.Equal(t, (<-ended).Sub(begun), longestCall, "the call ended after")
		check.That(t, time.Since(begun) < longestCall+restTimeout+longestCall/7, "it is connected after %v",
			time.Since(begun))
		_ = a.Close()
		close(l)
		_ = s.Close()
	})
}

// TestQuestionsLimitTheirBody checks that each endpoint that reads a question ends its reads with the call.
func TestQuestionsLimitTheirBody(t *testing.T) {
	w := newWorld(t, openToPEP, everyoneAsks, func(c *Config) {
		c.Index = &Index{Socket: "/none", Ask: "O:SYG:SYD:", Rate: 1}
	})
	for _, path := range []string{indexPath + "filter", authzen.EvaluationPath, refmonv1connect.AccessTokenProcedure} {
		rec := httptest.NewRecorder()
		body := &patientBody{ReadCloser: io.NopCloser(strings.NewReader("{}")),
			writer: &patientWriter{c: http.NewResponseController(rec)}}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, body)
		r.SetBasicAuth("bob", "pw-x")
		r.Header.Set("Content-Type", "application/json")
		w.g.Console().ServeHTTP(rec, r)
		check.That(t, rec.Code != http.StatusUnauthorized && !body.until.IsZero(), "%s: %d, no end of reads", path, rec.Code)
	}
}

// TestSilentClientIsDisconnected checks that a request ends with its connection after 10 seconds if the handler does
// not read the body that the client does not send, and after half a minute if the client does not read the answer. A
// client that waits for 100 Continue gets the answer at once (G-24).
func TestSilentClientIsDisconnected(t *testing.T) {
	const head = "PUT / HTTP/1.1\r\nHost: x\r\n"
	for name, c := range map[string]struct {
		request string
		code    int
		reads   bool          // the client reads the answer
		want    time.Duration // until the response, or the end of an unread one
	}{
		"a body that never comes":        {head + "Content-Length: 100\r\n\r\n", 401, true, restTimeout},
		"half a body":                    {head + "Content-Length: 4\r\n\r\nab", 401, true, restTimeout},
		"the rest of half a body":        {head + "Content-Length: 4\r\n\r\nab", http.StatusOK, true, restTimeout},
		"chunks that never come":         {head + "Transfer-Encoding: chunked\r\n\r\n", 204, true, restTimeout},
		"a body after 100 Continue":      {head + "Expect: 100-continue\r\nContent-Length: 100\r\n\r\n", 401, true, 0},
		"an answer without a body":       {head + "\r\n", 204, false, stallTimeout},
		"an answer after an unread body": {head + "Content-Length: 1\r\n\r\na", 204, false, stallTimeout},
	} {
		synctest.Test(t, func(t *testing.T) {
			client, end := serveOn(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if c.code == http.StatusOK { // a handler that reads half of the body
					_, _ = r.Body.Read(make([]byte, 2))
				}
				w.WriteHeader(c.code)
			}))
			defer end()
			begun := time.Now()
			_, _ = client.Write([]byte(c.request))
			if c.reads {
				answer, err := http.ReadResponse(bufio.NewReader(client), nil)
				check.That(t, err == nil && answer.StatusCode == c.code, "G-24: %s: %v, %v", name, answer, err)
			} else {
				for err := error(nil); err == nil; time.Sleep(time.Second) {
					_, err = client.Write([]byte("G"))
				}
			}
			took := time.Since(begun)
			check.That(t, took >= c.want && took <= c.want+time.Second, "G-24: %s: the answer or end after %v", name, took)
			_, _ = io.Copy(io.Discard, client)
			check.That(t, time.Since(begun) <= max(c.want, restTimeout)+time.Second, "G-24: %s: open after %v", name,
				time.Since(begun))
		})
	}
}

// TestSlowReaderGetsLongAnswer checks that a client that reads slowly gets the whole of an answer that a handler writes
// at once (G-24).
func TestSlowReaderGetsLongAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, end := serveOn(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(make([]byte, 1<<20))
		}))
		defer end()
		_, _ = client.Write([]byte("GET / HTTP/1.0\r\n\r\n"))
		got := 0
		for b, err := make([]byte, 16<<10), error(nil); err == nil; time.Sleep(time.Second) {
			n := 0
			n, err = io.ReadFull(client, b)
			got += n
		}
		check.That(t, got > 1<<20, "G-24: %d bytes arrived, want the head and 1 MiB", got)
	})
}

// TestDeadlinesEndWithRequest checks that the deadlines of one request do not end the next one on its connection, nor a
// request with a complete body whose response takes longer than half a minute to compute or to read (G-24).
func TestDeadlinesEndWithRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, end := serveOn(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/late" {
				time.Sleep(stallTimeout + time.Second)
			}
			if _, err := io.ReadAll(r.Body); err != nil {
				t.Error(err)
			}
			if r.URL.Path == "/long" {
				time.Sleep(stallTimeout + time.Second)
			}
			if r.Context().Err() != nil {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			w.WriteHeader(http.StatusNoContent)
		}))
		defer end()
		answers := bufio.NewReader(client)
		for _, path := range []string{"/", "/long", "/", "/slow", "/", "/late"} {
			head := "PUT " + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n"
			if path == "/late" {
				check.NoError(t, check.Err(client.Write([]byte(head+"Expect: 100-continue\r\n\r\n"))))
				line, err := answers.ReadString('\n')
				check.RequireThat(t, strings.HasPrefix(line, "HTTP/1.1 100 "), "G-24: %q, %v, want 100 Continue", line, err)
				_, err = answers.ReadString('\n')
				check.NoError(t, err)
				head = ""
			} else {
				head += "\r\n"
			}
			check.NoError(t, check.Err(client.Write([]byte(head+"a"))))
			if path == "/slow" {
				time.Sleep(stallTimeout / 2)
			}
			answer, err := http.ReadResponse(answers, nil)
			check.RequireThat(t, err == nil, "G-24: %s: no answer: %v", path, err)
			check.Equal(t, answer.StatusCode, http.StatusNoContent, "G-24: %s: the status", path)
			time.Sleep(stallTimeout + time.Second)
		}
	})
}

// TestStreamOutlivesSlowStorage checks that an HTTP/2 request continues while the gateway takes longer than half a
// minute to store a part of its body or to answer, and ends if the client sends nothing for half a minute (G-24).
func TestStreamOutlivesSlowStorage(t *testing.T) {
	for _, complete := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			l, stored := make(pipes), make(chan error, 1)
			s := newServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.ReadFull(r.Body, make([]byte, 1))
				time.Sleep(stallTimeout + time.Second)
				_, err := io.ReadAll(r.Body)
				if err == nil {
					time.Sleep(stallTimeout + time.Second)
					err = r.Context().Err()
				}
				stored <- err
				w.WriteHeader(http.StatusNoContent)
			}))
			s.Protocols = &http.Protocols{}
			s.Protocols.SetUnencryptedHTTP2(true)
			go func() { _ = s.Serve(l) }()
			client := &http.Transport{Protocols: s.Protocols,
				DialContext: func(context.Context, string, string) (net.Conn, error) {
					a, b := net.Pipe()
					l <- b
					return a, nil
				}}
			body, feed := io.Pipe()
			go func() {
				_, _ = feed.Write([]byte("ab"))
				if complete {
					_ = feed.Close()
				}
			}()
			request := check.Must(http.NewRequest(http.MethodPut, "http://x/", body))
			begun := time.Now()
			answer, err := client.RoundTrip(request)
			check.That(t, err == nil && answer.StatusCode == http.StatusNoContent, "G-24: %v, %v", answer, err)
			took := time.Since(begun) - 2*stallTimeout
			check.That(t, (<-stored == nil) == complete && took > 0 && took <= 2*time.Second,
				"G-24: the whole body: %v; the answer came after a minute and %v", complete, took)
			_ = body.Close()
			client.CloseIdleConnections()
			close(l)
			_ = s.Close()
		})
	}
}

// serveOn serves h on an in-process connection. end closes both ends.
func serveOn(h http.Handler) (client net.Conn, end func()) {
	l := make(pipes)
	s := newServer(h)
	go func() { _ = s.Serve(l) }()
	client, b := net.Pipe()
	l <- b
	return client, func() {
		_ = client.Close()
		close(l)
		_ = s.Close()
	}
}

// TestStreamDropsHeadersAfterHandler checks that a request of HTTP/2 releases its headers when its handler has ended,
// because net/http keeps the request until the client reads the answer. A request of HTTP/1 keeps them: net/http reads
// its Connection header later (G-57).
func TestStreamDropsHeadersAfterHandler(t *testing.T) {
	for version, want := range map[int]string{1: "x", 2: ""} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader("body"))
		r.ProtoMajor = version
		r.Header.Set("Large", "x")
		r.RequestURI = "/"
		patient(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			check.Equal(t, r.Header.Get("Large"), "x", "HTTP/%d: the header in the handler", version)
		})).ServeHTTP(httptest.NewRecorder(), r)
		check.Equal(t, r.Header.Get("Large"), want, "G-57: HTTP/%d: the header after the handler", version)
		for _, part := range []string{r.URL.Path, r.RequestURI, r.Host} {
			check.Equal(t, part != "", want != "", "G-57: HTTP/%d: path or host %q after the handler", version, part)
		}
	}
}
