package kerberos

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/jcmturner/gokrb5/v8/messages"

	"github.com/refmon/refmon/server/auth/admission"
)

// KDCs has the addresses of a realm's key distribution centres. The zero value looks them up in the
// DNS.
type KDCs struct {
	// Addresses are HOST or HOST:PORT (88), tried in this order. If there are none, the DNS names them: the first
	// eight of _kerberos._tcp of the realm.
	Addresses []string
	// Wait is the timeout of one request to one KDC, and of a query of the DNS; 0: five seconds.
	Wait time.Duration
	// Up remembers which KDCs answer, for all exchanges that share it; nil: each request tries them in order.
	Up *admission.Servers
}

// Limits of KDCs.
const (
	maxAnswer   = 256 << 10 // bytes; a ticket with 1,000 groups is far below
	maxKDCs     = 8
	defaultWait = 5 * time.Second
	kdcPort     = "88"
)

// ErrNoKDC says that no KDC responded in time, or that none was found. Nothing is known about the client.
var ErrNoKDC = errors.New("kerberos: no KDC of the realm answers")

// list returns the addresses with ports. Without configured ones it asks the DNS for at most maxKDCs, and returns an
// error that wraps ErrNoKDC if the query fails or takes longer than k.Wait, or the DNS names none. It ignores malformed
// records of the DNS. An address without a port gets the usual one.
func (k *KDCs) list(ctx context.Context, realm string) ([]string, error) {
	out := make([]string, 0, maxKDCs)
	for _, a := range k.Addresses {
		if _, _, err := net.SplitHostPort(a); err != nil {
			a = net.JoinHostPort(strings.Trim(a, "[]"), kdcPort) // an IPv6 address can have brackets
		}
		out = append(out, a)
	}
	if len(out) > 0 {
		return out, nil
	}
	// The query ends as early as a request to a KDC (K-54).
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(k.Wait, defaultWait))
	defer cancel()
	_, found, err := net.DefaultResolver.LookupSRV(ctx, "kerberos", "tcp", realm)
	switch {
	// If only some records are malformed, LookupSRV returns an error and the others.
	case err != nil && len(found) == 0:
		return nil, fmt.Errorf("%w: the DNS names none: %w", ErrNoKDC, err)
	case len(found) == 0:
		return nil, fmt.Errorf("%w: the DNS names none", ErrNoKDC)
	}
	for _, s := range found[:min(len(found), maxKDCs)] {
		out = append(out, net.JoinHostPort(s.Target, fmt.Sprint(s.Port)))
	}
	return out, nil
}

// ask sends a request to the KDCs until one responds. The response is not authenticated and never empty. Errors wrap
// ErrNoKDC. A KDC that says that its service is unavailable has not responded. Without Addresses the DNS names the
// KDCs. After a response, ask sets Addresses to a new list with that KDC in front, so that the next request of an
// exchange goes to the same one. With once, ask tries no further KDC after one that may have got the request.
func (k *KDCs) ask(ctx context.Context, realm string, request []byte, once bool) (answer []byte, err error) {
	all, err := k.list(ctx, realm)
	if err != nil {
		return nil, err
	}
	up := k.Up
	if up == nil {
		up = &admission.Servers{}
	}
	problem, missed := ErrNoKDC, ""
	trying, stop := context.WithCancel(ctx)
	defer stop()
	err = up.Try(trying, all, func(i int) bool {
		answer, err = k.one(ctx, all[i], request)
		if err == nil && isUnavailable(answer) {
			err = unavailable
		}
		if err != nil {
			problem = fmt.Errorf("%w: %s: %w", ErrNoKDC, all[i], err)
			// The next KDC would count a wrong password again (K-59).
			if unanswered := (*unansweredError)(nil); once && errors.As(err, &unanswered) {
				missed = all[i]
				stop() // Try ends without an outcome for this KDC
			}
			return false
		}
		problem = nil
		k.Addresses = slices.Concat(all[i:], all[:i])
		return true
	})
	if missed != "" && !errors.Is(ctx.Err(), context.Canceled) {
		up.Missed(missed)
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrNoKDC, err)
	case problem != nil:
		return nil, problem
	}
	return answer, nil
}

// isUnavailable reports whether an answer is the KDC's error that it cannot answer now (RFC 4120 7.5.9).
func isUnavailable(answer []byte) bool {
	var e messages.KRBError
	return answer[0] == tagError && decode(&e, answer) == nil && KDCError(e.ErrorCode) == unavailable
}

// unansweredError is the error of a request that a KDC may have got. Its text is that of the cause.
type unansweredError struct{ error }

// Unwrap returns the cause.
func (e *unansweredError) Unwrap() error { return e.error }

var errLongAnswer = errors.New("the answer is empty or longer than any")

// one sends a request to the KDC at an address and returns the response. The limit is k.Wait, or defaultWait if
// k.Wait is 0; ctx can end the request earlier. An empty response and a response longer than maxAnswer are errors. An
// error after the connection is an *unansweredError.
func (k *KDCs) one(ctx context.Context, address string, request []byte) ([]byte, error) {
	wait := cmp.Or(k.Wait, defaultWait)
	ctx, cancel := context.WithTimeoutCause(ctx, wait, fmt.Errorf("no answer within %v", wait))
	defer cancel()
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	defer c.Close() //nolint:errcheck // the response is complete, or the request has failed
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	answer, err := exchangeOver(c, request)
	switch {
	case err == nil:
		return answer, nil
	case ctx.Err() != nil:
		err = context.Cause(ctx) // err only says that the connection was closed
	}
	return nil, &unansweredError{err}
}

// exchangeOver sends a request over a connection to a KDC and returns the response. An empty response and a response
// longer than maxAnswer are errors.
func exchangeOver(c net.Conn, request []byte) ([]byte, error) {
	if _, err := c.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(request))), request...)); err != nil {
		return nil, err
	}
	var head [4]byte
	if _, err := io.ReadFull(c, head[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(head[:])
	// The length is checked before memory is allocated for it (K-54).
	if n == 0 || n > maxAnswer {
		return nil, errLongAnswer
	}
	answer := make([]byte, n)
	if _, err := io.ReadFull(c, answer); err != nil {
		return nil, err
	}
	return answer, nil
}
