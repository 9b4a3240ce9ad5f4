package kerberos

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/auth/admission"
	"github.com/refmon/refmon/server/internal/test/forge"
)

// TestKDCReplyAbove256KiBIsRejected checks that a KDC's response has 1 byte to 256 KiB. The length prefix
// alone decides (K-54).
func TestKDCReplyAbove256KiBIsRejected(t *testing.T) {
	for n, long := range map[uint32]bool{0: true, 1: false, 256 << 10: false, 256<<10 + 1: true} {
		k := forge.Centre{Realm: realm, Answer: func([]byte) []byte { return binary.BigEndian.AppendUint32(nil, n) }}
		address := k.Start()
		kdcs := KDCs{Addresses: []string{address}}
		_, err := kdcs.ask(context.Background(), realm, []byte{1}, false)
		check.That(t, err != nil && errors.Is(err, errLongAnswer) == long,
			"K-54: an answer of %d bytes: %v, want an error, errLongAnswer: %t", n, err, long)
		_ = k.Listener.Close()
	}
}

// TestHungKDCIsNamedAsSuch checks that the error names a KDC that accepts a connection and does not respond. The
// package's name appears once, also in the error of a logon (K-59).
func TestHungKDCIsNamedAsSuch(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check.NoError(t, err)
	defer l.Close()
	kdcs := KDCs{Addresses: []string{l.Addr().String()}, Wait: 50 * time.Millisecond}
	want := "kerberos: no KDC of the realm answers: " + l.Addr().String() + ": no answer within 50ms"
	_, err = kdcs.ask(t.Context(), realm, []byte{1}, false)
	check.RequireThat(t, err != nil && errors.Is(err, ErrNoKDC), "K-59: %v, want %v", err, ErrNoKDC)
	// A machine under load may reach the limit before the connection exists.
	check.That(t, err.Error() == want || strings.Contains(err.Error(), "dial tcp"), "K-59: %q, want %q", err, want)
	refused := convertRefusal(fmt.Errorf("%w: of the test", ErrNoKDC)).Error()
	check.Equal(t, refused, "kerberos: no KDC of the realm answers: of the test", "K-59: a refused logon")
}

// TestNextRequestBeginsWithKDCThatAnswered checks that an exchange of several requests tries a hanging or unavailable
// KDC once. The configured order does not change, and other exchanges try that KDC last (K-59).
func TestNextRequestBeginsWithKDCThatAnswered(t *testing.T) {
	hung := check.Must(net.Listen("tcp", "127.0.0.1:0"))
	defer hung.Close()
	starting := forge.Centre{Realm: realm, Code: 29} // KDC_ERR_SVC_UNAVAILABLE
	k := forge.Centre{Realm: realm, Answer: func([]byte) []byte { return []byte{0, 0, 0, 1, 1} }}
	unavailable, answers := starting.Start(), k.Start()
	defer k.Listener.Close()
	defer starting.Listener.Close()
	asReq, err := (&messages.ASReq{KDCReqFields: messages.KDCReqFields{PVNO: 5, MsgType: 10,
		ReqBody: messages.KDCReqBody{KDCOptions: types.NewKrbFlags(), Realm: realm}}}).Marshal()
	check.NoError(t, err)
	configured := []string{hung.Addr().String(), unavailable, answers}
	up := &admission.Servers{}
	for i := range 2 {
		kdcs := KDCs{Addresses: configured, Wait: 50 * time.Millisecond, Up: up}
		_, err = kdcs.ask(t.Context(), realm, asReq, false)
		check.NoError(t, err)
		want := []string{answers, hung.Addr().String(), unavailable}
		check.That(t, slices.Equal(kdcs.Addresses, want), "K-59: the next request tries %q, want %q", kdcs.Addresses, want)
		check.That(t, configured[2] == answers, "K-59: the configured list was changed: %q", configured)
		check.Equal(t, starting.Asked(), 1, "K-59: requests to the unavailable KDC after %d exchanges", i+1)
	}
	check.NoError(t, k.Listener.Close())
	kdcs := KDCs{Addresses: []string{unavailable}, Wait: 50 * time.Millisecond}
	_, err = kdcs.ask(t.Context(), realm, asReq, false)
	check.ErrorIs(t, err, ErrNoKDC, "K-59: an unavailable KDC alone")
}

// TestCancelledRequestLeavesKDCAsItWas checks that a KDC stays silent, or not, if the caller cancels a request that no
// other KDC may get. A KDC that does not answer such a request in time becomes silent (K-59).
func TestCancelledRequestLeavesKDCAsItWas(t *testing.T) {
	hung := check.Must(net.Listen("tcp", "127.0.0.1:0"))
	defer hung.Close()
	address := hung.Addr().String()
	for _, c := range []struct {
		cancelled, before, after bool // before and after: whether the KDC is silent
	}{{true, false, false}, {true, true, true}, {false, false, true}} {
		kdcs := KDCs{Addresses: []string{address}, Wait: 50 * time.Millisecond, Up: &admission.Servers{}}
		if c.before {
			kdcs.Up.Missed(address)
		}
		ctx, cancel := context.WithCancel(t.Context())
		if c.cancelled {
			kdcs.Wait = time.Minute
			go func() {
				defer cancel()
				if conn, err := hung.Accept(); err == nil {
					defer conn.Close() // after the cancel, so that the KDC does not end the connection
					_, _ = conn.Read(make([]byte, 1))
					cancel()
				}
			}()
		}
		_, err := kdcs.ask(ctx, realm, []byte{1}, true)
		check.ErrorIs(t, err, ErrNoKDC, "K-59: cancelled %t", c.cancelled)
		cancel()
		check.Equal(t, kdcs.Up.Silent(address), c.after, "K-59: cancelled %t, silent before %t: silent after it",
			c.cancelled, c.before)
	}
}

// TestKDCAddressesAreResolved checks addresses with and without a port, and those from the DNS up to the limit (RFC
// 4120 7.2.3). The query of the DNS has the time limit of a KDC (K-54).
func TestKDCAddressesAreResolved(t *testing.T) {
	k := KDCs{Addresses: []string{"kdc", "kdc:89", "192.0.2.1", "[2001:db8::1]:90", "2001:db8::1",
		"[2001:db8::2]"}}
	all, err := k.list(context.Background(), realm)
	want := []string{"kdc:88", "kdc:89", "192.0.2.1:88", "[2001:db8::1]:90", "[2001:db8::1]:88",
		"[2001:db8::2]:88"}
	check.That(t, err == nil &&
		slices.Equal(all, want), "%q, %v, want %q", all, err, want)
	old := net.DefaultResolver
	defer func() { net.DefaultResolver = old }()
	for _, n := range []int{0, 1, 8, 9} {
		asked := make(chan string, 8)
		net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			until, _ := ctx.Deadline()
			check.That(t, time.Until(until) <= time.Second, "K-54: the DNS may take until %v", until)
			here, there := net.Pipe()
			go answerSRV(there, n, asked)
			return here, nil
		}}
		all, err := (&KDCs{Wait: time.Second}).list(context.Background(), "example.test.")
		q := <-asked
		check.That(t, q == "_kerberos._tcp.example.test.", `DNS query for %q, want "_kerberos._tcp.example.test."`, q)
		if n == 0 {
			check.That(t, all == nil && errors.Is(err, ErrNoKDC),
				"no KDC in the DNS: %q, %v, want nil, %v", all, err, ErrNoKDC)
			continue
		}
		want := []string{}
		for i := range min(n, 8) {
			want = append(want, fmt.Sprintf("kdc%d.example.test.:%d", i, 1000+i))
		}
		check.That(t, err == nil && slices.Equal(all, want), "%d in the DNS: %q, %v, want %q", n, all, err, want)
	}
}

// answerSRV replies to one DNS query with n SRV records in the order of their priorities. From eight on it appends a
// malformed record.
func answerSRV(c net.Conn, n int, asked chan<- string) {
	defer c.Close()
	var size [2]byte
	if _, err := io.ReadFull(c, size[:]); err != nil {
		return
	}
	b := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err := io.ReadFull(c, b); err != nil {
		return
	}
	var m dnsmessage.Message
	if m.Unpack(b) != nil || len(m.Questions) != 1 {
		return
	}
	asked <- m.Questions[0].Name.String()
	m.Response, m.RecursionAvailable = true, true
	m.Additionals = nil
	for i := range n + n/8 {
		target := fmt.Sprintf("kdc%d.example.test.", i)
		if i == n {
			target = "no name." // a malformed record after eight
		}
		m.Answers = append(m.Answers, dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: m.Questions[0].Name,
			Type: dnsmessage.TypeSRV, Class: dnsmessage.ClassINET}, Body: &dnsmessage.SRVResource{Priority: uint16(i + 1),
			Weight: 7, Port: uint16(1000 + i), Target: dnsmessage.MustNewName(target)}})
	}
	if b, err := m.Pack(); err == nil {
		_, _ = c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...))
	}
}
