package feed

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/refmon/refmon/internal/strict"
	"github.com/refmon/refmon/server/auth/unix"
	"github.com/refmon/refmon/server/watch"
)

// Follower reads a tree from the watcher inside refmond. It implements [watch.Source]. Socket and Root are required.
// Its fields are immutable.
type Follower struct {
	Socket   string
	Root     string        // path of the tree, as in the server's configuration
	Share    string        // must equal the server's, or it rejects the watch
	Traverse string        // must equal the server's; "": never
	Beat     time.Duration // interval of heartbeats, and pause before the next connection; 0: watch.DefaultBeat
	Warn     func(error)   // receives errors of a lost or failed connection, and a line when one succeeds; nil: dropped
}

// maxLine is the size limit of a server's line, in bytes.
const maxLine = 256 << 20

// Run follows the tree and blocks until the context ends, which is not an error. It returns an error if the server
// rejects the watch, or runs as another user than root or this program's own. After any other failure it passes the
// error to Warn, waits for Beat and connects again; the new connection begins with a walk. Until then the tree has no
// heartbeat. While no server listens, it warns once, and once more when a server accepts the watch again. It does not
// close out.
func (f *Follower) Run(ctx context.Context, out chan<- watch.Batch) error {
	accepted := func() {}
	for down := false; ; {
		err := f.once(ctx, out, accepted)
		accepted = func() { f.warn(fmt.Errorf("source %s: connected", f.Root)) }
		var no *refusal
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.As(err, &no):
			return err
		}
		var failed *net.OpError
		absent := errors.As(err, &failed) && failed.Op == "dial"
		if !absent || !down {
			f.warn(fmt.Errorf("source %s: no connection: %w; trying again", f.Root, err))
		}
		down = absent
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(f.beatInterval()):
		}
	}
}

// refusal is the server's reason for rejecting a watch.
type refusal struct{ why string }

// Error returns "watch: " and the server's reason.
func (r *refusal) Error() string { return "watch: " + r.why }

// once follows the tree over one connection until that ends. It calls accepted when the server accepts the watch. It
// always returns an error, a *refusal if the watch must not be tried again. It closes the connection.
func (f *Follower) once(ctx context.Context, out chan<- watch.Batch, accepted func()) error {
	conn, err := f.ask(ctx, &question{Beat: f.Beat})
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	return f.read(ctx, bufio.NewReaderSize(conn, 1<<20), out, accepted)
}

// ask connects to the server and sends q with the version and the tree's configuration. The caller closes the
// connection. The error is a *refusal if the server runs neither as root nor as this user. After an error the
// connection is closed.
func (f *Follower) ask(ctx context.Context, q *question) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", f.Socket)
	if err != nil {
		return nil, err
	}
	server, err := unix.Of(conn.(*net.UnixConn))
	if err == nil {
		server.Close()
		// Another user's program at the socket could report documents as readable by everybody (N-17).
		if server.UID != 0 && int(server.UID) != os.Geteuid() {
			err = &refusal{fmt.Sprintf("uid %d serves %s: want root or uid %d", server.UID, f.Socket, os.Geteuid())}
		}
	}
	q.Version, q.Tree, q.Share, q.Traverse = 1, f.Root, f.Share, f.traverse()
	var text []byte
	if err == nil {
		text, err = line(q)
	}
	if err == nil {
		if _, err = conn.Write(text); err != nil { // the server may have sent a refusal without reading the line
			if a, why := readAnswer(bufio.NewReader(conn)); a.Error != "" {
				err = why
			}
		}
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

// traverse returns the traverse option; "never" if it is empty.
func (f *Follower) traverse() string {
	return cmp.Or(f.Traverse, "never")
}

// read checks the server's first line, calls accepted, and then sends each batch to out. It returns a *refusal if the
// server rejects the watch, and otherwise the error that ended the connection. A malformed batch and the end of ctx end
// it.
func (f *Follower) read(ctx context.Context, in *bufio.Reader, out chan<- watch.Batch, accepted func()) error {
	if _, err := readAnswer(in); err != nil {
		return err
	}
	accepted()
	for {
		text, err := nextLine(in)
		if err != nil {
			return err
		}
		b, err := decode(text, f.Root)
		if err != nil {
			return err
		}
		select {
		case out <- b:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// readAnswer reads the server's first line. The error is a *refusal if the server rejects the question for good. An
// unknown field is an error.
func readAnswer(in *bufio.Reader) (a answer, err error) {
	text, err := nextLine(in)
	if err == nil {
		err = strict.Unmarshal(text, &a)
	}
	switch {
	case err == nil && a.Busy:
		err = errors.New(a.Error)
	case err == nil && a.Error != "":
		err = &refusal{a.Error}
	}
	return a, err
}

var errLong = errors.New("a line is too long")

// nextLine returns the next line without its newline. It returns io.EOF at the end, also after a partial line, and
// errLong for a line above maxLine. The caller owns the result.
func nextLine(in *bufio.Reader) ([]byte, error) {
	var out []byte
	for {
		part, err := in.ReadSlice('\n')
		out = append(out, part...)
		switch {
		case err == nil:
			return bytes.TrimSuffix(out, []byte("\n")), nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		case len(out) > maxLine:
			return nil, errLong
		}
	}
}
