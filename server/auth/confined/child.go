package confined

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/refmon/refmon/server/auth/kerberos"
	"github.com/refmon/refmon/server/auth/kerberos/pac"
	"github.com/refmon/refmon/server/auth/ldap/message"
)

// planted, plantedToken and plantedMessage change how the child parses, to show what a fault in the parser can reach.
// They are nil outside tests.
var (
	planted        func(data []byte, p *pac.PAC)
	plantedToken   func(blob []byte, t *kerberos.Token)
	plantedMessage func(raw []byte, m *message.Message)
)

// parsers returns the answer to a request, by its kind.
var parsers = [...]func(data []byte) ([]byte, error){parsePAC, splitToken, splitMessage}

// child is a running parser process, which the kernel confines, with the ends of its pipes.
type child struct {
	process *os.Process
	to      *os.File
	from    *os.File
}

// ask sends data to the confined child's parser kind and returns the status and text of the response. A response that
// is late, missing or too long is an error. After an error the child must not be used.
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

// end stops the child: it kills the process, closes its pipes and waits for it. It returns the exit state as text,
// which is the child's own if it had ended before. A failed wait gives its error instead. If the process cannot be
// killed, end returns that error and does not wait.
func (c *child) end() string {
	err := c.process.Kill()
	_, _ = c.to.Close(), c.from.Close()
	if err != nil && !errors.Is(err, os.ErrProcessDone) {
		// Root without CAP_KILL cannot kill a process of nobody. The child ends itself when it reads the end of its input.
		go func() { _, _ = c.process.Wait() }()
		return err.Error()
	}
	state, err := c.process.Wait()
	if err != nil {
		return err.Error()
	}
	return state.String()
}

// serve is the main loop of the confined child. It answers requests from in until in ends, and then returns nil. A
// truncated or overlong request, an unknown kind and a failed write of a response end the loop with an error.
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
		if n > longest || int(head[0]) >= len(parsers) {
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

// answer runs the parser that a request names by its kind on data, in the confined child. It returns statusGood and the
// result, or statusBad and the error's text. A panic of the parser is only an error of this request.
func answer(kind byte, data []byte) (status byte, text []byte) {
	defer func() {
		if e := recover(); e != nil {
			status, text = statusBad, []byte("the parser panicked")
		}
	}()
	text, err := parsers[kind](data)
	if err != nil {
		return statusBad, []byte(err.Error())
	}
	return statusGood, text
}

// parsePAC parses a PAC in the child and encodes it for the parent. A malformed PAC is an error.
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

// splitToken splits a client's first Kerberos token in the child and encodes its parts for the parent. A malformed
// token is an error.
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

// splitMessage splits an LDAP message in the child and encodes its parts for the parent. A malformed message is an
// error.
func splitMessage(raw []byte) ([]byte, error) {
	m, err := message.Split(raw)
	if err != nil {
		return nil, err
	}
	if plantedMessage != nil {
		plantedMessage(raw, m)
	}
	return m.MarshalAnswer()
}
