package confined

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/refmon/refmon/server/auth/kerberos"
	"github.com/refmon/refmon/server/auth/kerberos/pac"
)

// Limits of a request.
const (
	patience   = 5 * time.Second // for one request; a child that takes longer is killed
	longest    = 16 << 20        // bytes of an answer
	childName  = "refmon-pac-parser"
	statusGood = 0
	statusBad  = 1
	askPAC     = 0
	askToken   = 1
)

// planted and plantedToken change how the child parses, to show what a fault in the parser can reach. They are nil
// outside tests.
var (
	planted      func(data []byte, p *pac.PAC)
	plantedToken func(blob []byte, t *kerberos.Token)
)

// Parser parses PACs and clients' tokens in a child process. It starts the child with the first request and again after
// a failure. It is safe for concurrent use, and requests wait for each other. The zero value is ready for use.
type Parser struct {
	mu sync.Mutex
	// +checklocks:mu
	child *child // guarded by mu; nil: none runs
	// +checklocks:mu
	closed bool // guarded by mu
}

// child is a running child with the ends of its pipes.
type child struct {
	process *os.Process
	to      *os.File
	from    *os.File
}

// ErrFailed is wrapped by the error for a child that could not be started, was killed or gave no answer.
var ErrFailed = errors.New("the process that parses tickets failed")

// Parse has the child parse a PAC, compares the result with data, and returns it. The caller must have verified
// the signature over data. It blocks for at most five seconds, and longer while other requests run. An error
// wraps [ErrFailed] or [pac.ErrInvalid]. After one that wraps ErrFailed no child runs, and the next call starts
// one.
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
// [Parser.Parse]. An error wraps [ErrFailed], or is that of [kerberos.SplitToken].
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

// ask returns the child's answer to one request. It starts a child if none runs. If the request fails, it ends the
// child, so the next request starts another one. Its errors wrap ErrFailed.
func (p *Parser) ask(kind byte, data []byte) (status byte, text []byte, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return 0, nil, fmt.Errorf("%w: it is closed", ErrFailed)
	}
	if p.child == nil {
		c, err := start()
		if err != nil {
			// No child means no logon by ticket: the parent never parses (K-89).
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

// Close kills the child and waits for its end. Later calls of Parse and Token fail. It always returns nil, and a second
// call does nothing.
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

// ask sends one request and reads its answer.
func (c *child) ask(kind byte, data []byte) (status byte, text []byte, err error) {
	until := time.Now().Add(patience)
	if err := errors.Join(c.to.SetWriteDeadline(until), c.from.SetReadDeadline(until)); err != nil {
		return 0, nil, err
	}
	b := append(binary.LittleEndian.AppendUint32([]byte{kind}, uint32(len(data))), data...)
	if _, err := c.to.Write(b); err != nil {
		return 0, nil, err
	}
	var head [5]byte
	if _, err := io.ReadFull(c.from, head[:]); err != nil {
		return 0, nil, err
	}
	n := binary.LittleEndian.Uint32(head[1:])
	if n > longest {
		return 0, nil, fmt.Errorf("an answer of %d bytes", n)
	}
	text = make([]byte, n)
	_, err = io.ReadFull(c.from, text)
	return head[0], text, err
}

// end kills the child, waits for it, and returns how it ended: by this kill, or before.
func (c *child) end() string {
	_ = c.process.Kill()
	state, err := c.process.Wait()
	_, _ = c.to.Close(), c.from.Close()
	if err != nil {
		return err.Error()
	}
	return state.String()
}

// serve answers requests until the parent closes its end.
func serve(in io.Reader, out io.Writer) error {
	for {
		var head [5]byte
		if _, err := io.ReadFull(in, head[:]); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		n := binary.LittleEndian.Uint32(head[1:])
		if n > max(pac.MaxSize, kerberos.MaxBlob) || head[0] > askToken {
			return fmt.Errorf("a request of %d bytes and kind %d", n, head[0])
		}
		data := make([]byte, n)
		if _, err := io.ReadFull(in, data); err != nil {
			return err
		}
		status, text := answer(head[0], data)
		b := binary.LittleEndian.AppendUint32([]byte{status}, uint32(len(text)))
		if _, err := out.Write(append(b, text...)); err != nil {
			return err
		}
	}
}

// answer answers one request. A panic of the parser is an error of this request.
func answer(kind byte, data []byte) (status byte, text []byte) {
	defer func() {
		if e := recover(); e != nil {
			status, text = statusBad, []byte("the parser panicked")
		}
	}()
	parse := parsePAC
	if kind == askToken {
		parse = splitToken
	}
	text, err := parse(data)
	if err != nil {
		return statusBad, []byte(err.Error())
	}
	return statusGood, text
}

// parsePAC returns the answer to a PAC.
func parsePAC(data []byte) ([]byte, error) {
	p, err := pac.Parse(data)
	if err != nil {
		return nil, err
	}
	if planted != nil {
		planted(data, p)
	}
	return p.MarshalAnswer()
}

// splitToken returns the answer to a client's first token.
func splitToken(blob []byte) ([]byte, error) {
	t, err := kerberos.SplitToken(blob)
	if err != nil {
		return nil, err
	}
	if plantedToken != nil {
		plantedToken(blob, t)
	}
	return t.MarshalAnswer()
}
