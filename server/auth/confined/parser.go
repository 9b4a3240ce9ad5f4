package confined

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/refmon/refmon/server/auth/kerberos"
	"github.com/refmon/refmon/server/auth/kerberos/pac"
	"github.com/refmon/refmon/server/auth/ldap/message"
)

// Limits of a request.
const (
	patience   = 5 * time.Second // longest time for one request; then Parser kills the child
	longest    = 16 << 20        // bytes of a request or an answer
	childName  = "refmon-parser"
	statusGood = 0
	statusBad  = 1
	askPAC     = 0
	askToken   = 1
	askMessage = 2
)

// Parser parses PACs, clients' tokens and LDAP messages in a child process. It starts the child with the first request
// and again after a failure. It is safe for concurrent use, and requests wait for each other. The zero value is ready
// for use.
type Parser struct {
	mu sync.Mutex
	// +checklocks:mu
	child *child // guarded by mu; nil: none runs
	// +checklocks:mu
	closed bool // guarded by mu
}

// ErrFailed is wrapped by the error for a child that could not be started, was killed or gave no answer.
var ErrFailed = errors.New("the process that parses for refmond failed")

// Parse has the child parse a PAC, compares the result with data, and returns it. The caller must have verified the
// signature over data. It blocks for at most five seconds, and longer while other requests run. An error wraps
// [ErrFailed] or [pac.ErrInvalid], the latter at once for more than pac.MaxSize bytes. After one that wraps ErrFailed
// no child runs, and the next call starts one.
func (p *Parser) Parse(data []byte) (*pac.PAC, error) {
	if len(data) > pac.MaxSize {
		return nil, fmt.Errorf("%w: it has %d bytes", pac.ErrInvalid, len(data))
	}
	status, text, err := p.ask(askPAC, data)
	switch {
	case err != nil:
		return nil, err
	case status != statusGood:
		return nil, fmt.Errorf("%w: %.512q", pac.ErrInvalid, text)
	}
	return pac.ReadAnswer(text, data)
}

// Token has the child split a client's first token, and returns the parts. Nothing in them is verified. It blocks like
// [Parser.Parse]. An error wraps [ErrFailed], or is that of [kerberos.SplitToken]. A token beyond MaxBlob is that error
// without a question to the child.
func (p *Parser) Token(blob []byte) (*kerberos.Token, error) {
	if len(blob) > kerberos.MaxBlob {
		return nil, kerberos.TokenError("")
	}
	status, text, err := p.ask(askToken, blob)
	switch {
	case err != nil:
		return nil, err
	case status != statusGood:
		return nil, kerberos.TokenError(string(text))
	}
	return kerberos.ReadToken(text, blob)
}

// Message has the child split an LDAP message of a server, of at most 16 MiB, and returns the parts. Nothing in them is
// verified: call [message.Message.Rebuild]. It blocks like [Parser.Parse]. An error wraps [ErrFailed] or
// [message.ErrInvalid].
func (p *Parser) Message(raw []byte) (*message.Message, error) {
	if len(raw) > longest {
		return nil, fmt.Errorf("%w: it has %d bytes", message.ErrInvalid, len(raw))
	}
	status, text, err := p.ask(askMessage, raw)
	switch {
	case err != nil:
		return nil, err
	case status != statusGood:
		return nil, fmt.Errorf("%w: %.512q", message.ErrInvalid, text)
	}
	return message.ReadAnswer(text, raw)
}

// ask returns the child's answer to one request. It starts a child if none runs. If the request fails, it ends the
// child, so the next request starts another one. Its errors wrap ErrFailed. A closed parser is an error.
func (p *Parser) ask(kind byte, data []byte) (status byte, text []byte, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return 0, nil, fmt.Errorf("%w: it is closed", ErrFailed)
	}
	if p.child == nil {
		c, err := start()
		if err != nil {
			// Without a child the request fails, because the parent never parses (K-89).
			return 0, nil, fmt.Errorf("%w: %w", ErrFailed, err)
		}
		p.child = c
	}
	if status, text, err = p.child.ask(kind, data); err != nil {
		ended := p.child.end()
		p.child = nil
		return 0, nil, fmt.Errorf("%w: %w (%s)", ErrFailed, err, ended)
	}
	return status, text, nil
}

// Close kills the child and waits for its end. Later calls of Parse, Token and Message fail. It always returns nil, and
// a second call does nothing.
func (p *Parser) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	if p.child != nil {
		p.child.end()
		p.child = nil
	}
	return nil
}
