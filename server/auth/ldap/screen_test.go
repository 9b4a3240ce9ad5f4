package ldap

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/auth/ldap/message"
)

// TestIncorrectSplitIsRejected uses a parser that splits one account incorrectly: it returns another SID of the same
// entry, omits a group, or fails. That account is rejected, and the accounts before and after are correct (D-39).
func TestIncorrectSplitIsRejected(t *testing.T) {
	w := newWorld()
	w.set("sIDHistory", domain.WithRID(500).Binary())
	for what, change := range map[string]func(m *message.Message){
		"another SID": func(m *message.Message) {
			for i := range m.Attributes {
				m.Attributes[i].Values = m.Attributes[len(m.Attributes)-1-i].Values
			}
		},
		"a group less": func(m *message.Message) { m.Attributes = m.Attributes[1:] },
		"no answer":    nil,
	} {
		var mu sync.Mutex
		var wrongly bool
		split := func(raw []byte) (*message.Message, error) {
			m, err := message.Split(raw)
			mu.Lock()
			defer mu.Unlock()
			if err != nil || !wrongly || len(m.Attributes) < 2 {
				return m, err
			}
			if change == nil {
				return nil, errors.New("killed")
			}
			change(m)
			return m, nil
		}
		f := serve(t, w.answer)
		d := f.directory(func(c *Config) { c.Split = split; c.Limits.Cached = -1 })
		for _, is := range []bool{false, true, false} {
			mu.Lock()
			wrongly = is
			mu.Unlock()
			got, err := d.Find(context.Background(), "alice", false)
			check.That(t, (!is || errors.Is(err, ErrAway)) && (is || err == nil && got.SID == domain.WithRID(1104)),
				"D-39: %s: %+v, %v, want ErrAway: %t", what, got, err, is)
		}
	}
}

// TestLDAPMessageLengthIsBounded checks invalid lengths and a message that arrives in pieces (D-4).
func TestLDAPMessageLengthIsBounded(t *testing.T) {
	whole := string(done(1, goldap.ApplicationSearchResultDone, 0))
	for _, c := range []struct {
		name, in string
		want     error
	}{
		{"without end", "\x30\x80\x00\x00", errTooLong}, {"five octets", "\x30\x85\x00\x00\x00\x00\x01", errTooLong},
		{"17 MiB", "\x30\x84\x01\x10\x00\x00", errTooLong}, {"cut off", whole[:9], io.ErrUnexpectedEOF},
		{"nothing", "", io.EOF}, {"whole", whole, nil},
		{"after a reference", "\x30\x08\x02\x01\x01\x73\x03\x04\x01a" + whole, nil},
	} {
		here, there := net.Pipe()
		go func() {
			_, _ = io.Copy(there, strings.NewReader(c.in))
			_ = there.Close()
		}()
		s := &screen{Conn: here, split: message.Split}
		var got []byte
		var err error
		for range len(whole) {
			b := make([]byte, 1)
			n, failed := s.Read(b)
			if got, err = append(got, b[:n]...), failed; err != nil {
				break
			}
		}
		check.That(t, errors.Is(err, c.want) && (c.want != nil || string(got) == whole),
			"D-4: %s: %x, %v, want %v", c.name, got, err, c.want)
		_ = here.Close()
	}
	check.ErrorIs(t, check.Err(readMessage(strings.NewReader("\x30\x03ab"), 9)), io.ErrUnexpectedEOF, "D-4: cut off")
	for most, want := range map[int64]error{3: nil, 2: errTooLong} {
		check.ErrorIs(t, check.Err(readMessage(strings.NewReader("\x30\x03abc"), most)), want, "D-4: at most %d", most)
	}
}

// TestStartTLSNeedsSuccess checks that only a successful answer to StartTLS begins TLS (D-1).
func TestStartTLSNeedsSuccess(t *testing.T) {
	for what, c := range map[string]struct {
		answer []byte
		ok     bool
	}{"success": {done(1, goldap.ApplicationExtendedResponse, 0), true},
		"refused":      {done(1, goldap.ApplicationExtendedResponse, goldap.LDAPResultUnavailable), false},
		"another kind": {done(1, goldap.ApplicationSearchResultDone, 0), false},
		"nothing":      {nil, false}, "no message": {[]byte{0x30, 0}, false}} {
		err := startTLS(&screen{Conn: &pipe{Reader: bytes.NewReader(c.answer)}, split: message.Split})
		check.Equal(t, err == nil, c.ok, "D-1: %s: %v, success", what, err)
	}
}
