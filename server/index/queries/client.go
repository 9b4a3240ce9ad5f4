package queries

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/refmon/refmon/internal/strict"
	"github.com/refmon/refmon/server/index"
)

// ErrNoRun says that no run answered: there is no socket, nobody listens, the run refuses this user, or it hangs. The
// error wraps the cause. Read the index from its folder instead.
var ErrNoRun = errors.New("no run answers")

// Limits of an answer.
const (
	maxAnswer  = 256 << 20 // bytes
	answerTime = 15 * time.Second
)

// Client asks a run. [Dial] returns one.
type Client struct {
	http   http.Client
	folder *os.File // the folder with the socket
}

// About is a question's subject, right and limit.
type About struct {
	Subject
	Right string
	Limit time.Duration // the greatest age of a heartbeat; 0: that of the run
}

// Dial connects to the run of the index in the folder state. It returns [ErrNoRun] if none answers within 5 seconds.
// The caller closes the client.
func Dial(state string) (*Client, error) { return DialSocket(filepath.Join(state, SocketName)) }

// DialSocket connects to the run that listens on the Unix socket at this path. Errors and ownership are those of
// [Dial]. It connects once to see that a run listens, and again with the first question.
func DialSocket(socket string) (*Client, error) {
	folder, err := openFolder(socket)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoRun, err)
	}
	c := &Client{folder: folder}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{Timeout: dialTime}).DialContext(ctx, "unix", short(folder, socket))
	}
	first, err := dial(context.Background(), "", "")
	if err != nil {
		_ = folder.Close()
		return nil, fmt.Errorf("%w: %w", ErrNoRun, err)
	}
	_ = first.Close() // this connection only tested whether a run listens
	c.http = http.Client{Timeout: answerTime, Transport: &http.Transport{DialContext: dial, MaxIdleConns: 1}}
	return c, nil
}

// Close closes idle connections and the socket's folder. The client must not be used afterwards.
func (c *Client) Close() error {
	c.http.CloseIdleConnections()
	return c.folder.Close()
}

// CanRead reports whether the subject of a has the right on up to 1,000 documents. It returns an answer for each, in
// their order. current reports whether every source of the index has a current heartbeat; if it is false, an answer of
// no may mean that it is unknown. More documents, none, and a subject about whom this user may not ask are errors. It
// blocks at most 15 seconds.
func (c *Client) CanRead(ids []string, a About) (list []index.Answer, current bool, err error) {
	var out answers
	if err := c.ask("/v1/can-read", a, question{IDs: ids}, &out); err != nil {
		return nil, false, err
	}
	if len(out.Answers) != len(ids) {
		return nil, false, fmt.Errorf("%w: %d answers for %d documents", ErrNoRun, len(out.Answers), len(ids))
	}
	return out.Answers, out.Current, nil
}

// Evidence returns the answer about one document with the deciding data. The run refuses this question to users who may
// ask only about themselves.
func (c *Client) Evidence(id string, a About) (out index.Evidence, err error) {
	err = c.ask("/v1/why", a, question{IDs: []string{id}}, &out)
	return out, err
}

// Filter returns the filter of the subject of a for a right, in one of the forms. The right is required. An unknown
// person or right, or stale data, is an error with the run's text.
func (c *Client) Filter(a About, form index.Form) (out index.Filter, err error) {
	err = c.ask("/v1/filter", a, question{Form: form}, &out)
	return out, err
}

// Status returns the heartbeats and the counts of the index. limit decides which heartbeats are too old; 0 means the
// limit of the run.
func (c *Client) Status(limit time.Duration) ([]index.SourceStatus, index.Counts, error) {
	var out status
	err := c.ask("/v1/status", About{Limit: limit}, question{}, &out)
	return out.Sources, out.Counts, err
}

// Listed returns the classes with members that no list of SIDs covers, sorted by ID; none is not an error. The error
// is [ErrNoRun] if no run answers.
func (c *Client) Listed() ([]index.Listed, error) {
	var out listed
	err := c.ask("/v1/listed", About{}, question{}, &out)
	return out.Classes, err
}

// ask sends a question to the running index and decodes the answer into out. path selects the kind of question. If the
// index rejects the question as malformed or unanswerable, the error has the index's text. Every other error is
// [ErrNoRun], also for a question that this user may not ask. At most maxAnswer bytes are read. A limit of 0 means the
// index's limit.
func (c *Client) ask(path string, a About, q question, out any) error {
	if q.Subject, q.Right = a.Subject, a.Right; a.Limit > 0 {
		q.Limit = a.Limit.String()
	}
	body, err := json.Marshal(q)
	if err != nil {
		return err
	}
	r, err := c.http.Post("http://index"+path, "application/json", bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNoRun, err)
	}
	defer func() { _ = r.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(r.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNoRun, err)
	}
	switch r.StatusCode {
	case http.StatusOK:
		err = strict.Unmarshal(text, out)
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		var f failure
		if err = strict.Unmarshal(text, &f); err == nil {
			return errors.New(f.Error)
		}
	default:
		err = fmt.Errorf("%s: %s", r.Status, bytes.TrimSpace(text[:min(len(text), 1<<10)]))
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNoRun, err)
	}
	return nil
}
