package host

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/refmon/refmon/server/auth/admission"
)

// service is the multiplexer's name. Each call must contain it.
const service = "io.systemd.Multiplexer"

// Limits of a call.
const (
	maxReply   = 1 << 20 // bytes of one reply
	maxReplies = 1 << 16 // of one call
	maxWait    = 5 * time.Second
	// maxConnections is the most calls at the same time. Each has a connection; getent is a process, so fewer run.
	maxConnections = 32
)

// errUnavailable says that the service did not answer, so nothing is known about the user.
var errUnavailable = errors.New("io.systemd.UserDatabase does not answer")

// reply is one message of systemd's user database service (Varlink).
type reply struct {
	Parameters json.RawMessage `json:"parameters"`
	Continues  bool            `json:"continues"`
	Error      string          `json:"error"`
}

// call sends one request to the host's user database service, in the requester's turn, and calls each with every
// reply's parameters. It takes at most five seconds, with the wait. more allows several replies. If the first reply is
// NoRecordFound, found is false without an error. An error of each ends the call. call adds a key to parameters.
func (n *Names) call(ctx context.Context, requester, method string, more bool, parameters map[string]any,
	each func(json.RawMessage) error) (found bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, maxWait)
	defer cancel()
	slots := n.slots()
	// One user's lookups wait for each other, not those of other users (L-85).
	if !slots.Enter(ctx, requester) {
		return false, fmt.Errorf("%w: %w", errUnavailable, errBusy)
	}
	defer slots.Leave()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", n.socket)
	if err != nil {
		return false, fmt.Errorf("%w: %w", errUnavailable, err)
	}
	defer conn.Close() //nolint:errcheck // all was read
	if at, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(at); err != nil {
			return false, err
		}
	}
	parameters["service"] = service
	question, err := json.Marshal(map[string]any{"method": "io.systemd.UserDatabase." + method, "more": more,
		"parameters": parameters})
	if err != nil {
		return false, err
	}
	if _, err := conn.Write(append(question, 0)); err != nil {
		return false, fmt.Errorf("%w: %w", errUnavailable, err)
	}
	return replies(conn, each)
}

// slots returns the pool that limits the connections to the service.
func (n *Names) slots() *admission.Pool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.connections == nil {
		n.connections = admission.NewPool(maxConnections, maxQueued)
	}
	return n.connections
}

// replies calls each with the parameters of every reply. A reply is a JSON object and a zero byte. found is false if
// there is no record. A truncated reply, an error of the service and too many replies wrap errUnavailable.
func replies(r interface{ Read([]byte) (int, error) }, each func(json.RawMessage) error) (found bool, err error) {
	in := bufio.NewScanner(r)
	in.Buffer(make([]byte, 4096), maxReply)
	in.Split(splitAtZero)
	for range maxReplies {
		if !in.Scan() {
			if errors.Is(in.Err(), bufio.ErrTooLong) {
				return false, fmt.Errorf("%w: a reply is longer than %d bytes", errUnavailable, maxReply)
			}
			return false, fmt.Errorf("%w: the conversation ended early: %w", errUnavailable,
				cmp.Or(in.Err(), io.ErrUnexpectedEOF))
		}
		var m reply
		if err := json.Unmarshal(in.Bytes(), &m); err != nil {
			return false, fmt.Errorf("%w: %w", errUnavailable, err)
		}
		switch m.Error {
		case "":
		case "io.systemd.UserDatabase.NoRecordFound":
			return found, nil
		default:
			return false, fmt.Errorf("%w: %s", errUnavailable, m.Error)
		}
		if err := each(m.Parameters); err != nil {
			return false, err
		}
		if found = true; !m.Continues {
			return true, nil
		}
	}
	return false, fmt.Errorf("%w: more than %d replies", errUnavailable, maxReplies)
}

// splitAtZero is a bufio.SplitFunc for messages that end with a zero byte. It drops an unfinished message at the end.
func splitAtZero(data []byte, _ bool) (advance int, token []byte, err error) {
	if i := bytes.IndexByte(data, 0); i >= 0 {
		return i + 1, data[:i], nil
	}
	return 0, nil, nil
}

// userRecord and groupRecord have the fields that this package reads. Ids go up to 2^64−1, so they
// are not float64.
type userRecord struct {
	Name string      `json:"userName"`
	UID  json.Number `json:"uid"`
	GID  json.Number `json:"gid"`
}

// groupRecord holds the fields of a group record that are read.
type groupRecord struct {
	Name string      `json:"groupName"`
	GID  json.Number `json:"gid"`
}

// record returns a user or group record from the service, in the requester's turn. Without a record v is zero and
// found is false. Replies with different values and a malformed reply are errors.
func record[T comparable](ctx context.Context, n *Names, requester, method string, parameters map[string]any) (v T,
	found bool, err error) {
	first := true
	found, err = n.call(ctx, requester, method, false, parameters, func(p json.RawMessage) error {
		var m struct {
			Record T `json:"record"`
		}
		if err := json.Unmarshal(p, &m); err != nil {
			return fmt.Errorf("%w: %w", errUnavailable, err)
		}
		if !first && m.Record != v {
			return fmt.Errorf("%w: two services answer differently", errUnavailable)
		}
		v, first = m.Record, false
		return nil
	})
	return v, found, err
}

// memberships returns the names of a user's groups once each, without the primary one; nil if there are none. With an
// error, names that came before are also returned.
func (n *Names) memberships(ctx context.Context, requester, user string) ([]string, error) {
	seen := map[string]bool{}
	var names []string
	about := map[string]any{"userName": user}
	_, err := n.call(ctx, requester, "GetMemberships", true, about, func(p json.RawMessage) error {
		var m struct {
			User  string `json:"userName"`
			Group string `json:"groupName"`
		}
		if err := json.Unmarshal(p, &m); err != nil {
			return fmt.Errorf("%w: %w", errUnavailable, err)
		}
		if m.User == user && !seen[m.Group] {
			seen[m.Group], names = true, append(names, m.Group)
		}
		return nil
	})
	return names, err
}
