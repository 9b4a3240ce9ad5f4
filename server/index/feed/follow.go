package feed

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/refmon/refmon/internal/strict"
	"github.com/refmon/refmon/server/auth/unix"
	"github.com/refmon/refmon/server/index"
)

// Follower is the watcher of a tree that lives in refmond: it implements [index.Source]. Its
// fields are immutable.
type Follower struct {
	Socket   string
	Root     string // of the tree, as the server has it
	Share    string // as the server has them, or it refuses
	Traverse index.Traverse
	Beat     time.Duration // 0: the server's choice
	Warn     func(error)   // told why nothing is heard for the moment; nil: it is dropped
}

// maxLine is the longest line of a server, in bytes: a batch of the longest paths and
// descriptors.
const maxLine = 256 << 20

// Run follows until the context ends or the server refuses. Where the connection ends it
// connects anew, which begins with a walk; nothing vouches for the tree meanwhile.
func (f *Follower) Run(ctx context.Context, out chan<- index.Batch) error {
	often := f.Beat
	if often == 0 {
		often = index.Often
	}
	for {
		err := f.once(ctx, out)
		var no *refusal
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.As(err, &no):
			return err
		}
		if f.Warn != nil {
			f.Warn(fmt.Errorf("%s: nothing is heard of it: %w", f.Root, err))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(often):
		}
	}
}

// refusal says why a server lets no one watch.
type refusal struct{ why string }

// Error returns the server's words.
func (r *refusal) Error() string { return "watch: " + r.why }

// once follows one connection to its end.
func (f *Follower) once(ctx context.Context, out chan<- index.Batch) error {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", f.Socket)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	server, err := unix.Of(conn.(*net.UnixConn))
	if err != nil {
		return err
	}
	server.Close()
	// Another user's program at the socket could say that everybody may read (N-17).
	if server.UID != 0 && int(server.UID) != os.Geteuid() {
		return &refusal{fmt.Sprintf("uid %d serves %s: want root or uid %d", server.UID, f.Socket, os.Geteuid())}
	}
	text, err := line(&question{Version: 1, Tree: f.Root, Share: f.Share, Traverse: f.traverse(), Beat: f.Beat})
	if err != nil {
		return err
	}
	if _, err := conn.Write(text); err != nil {
		return err
	}
	return f.read(ctx, bufio.NewReaderSize(conn, 1<<20), out)
}

func (f *Follower) traverse() string {
	if f.Traverse == "" {
		return string(index.TraverseNever)
	}
	return string(f.Traverse)
}

// read hands the batches on.
func (f *Follower) read(ctx context.Context, in *bufio.Reader, out chan<- index.Batch) error {
	text, err := nextLine(in)
	if err != nil {
		return err
	}
	var a answer
	if err := strict.Unmarshal(text, &a); err != nil {
		return err
	}
	if a.Error != "" {
		return &refusal{a.Error}
	}
	for {
		if text, err = nextLine(in); err != nil {
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

var errLong = errors.New("a line is too long")

// nextLine reads a line without its end.
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
