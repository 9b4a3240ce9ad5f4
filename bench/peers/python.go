package main

import (
	"bufio"
	_ "embed" // the child's program
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"

	"github.com/refmon/refmon/winnt"
)

//go:embed ask.py
var askPython string

// debianPython is the interpreter the package python3-samba is for; another
// one first in PATH does not find it.
const debianPython = "/usr/bin/python3"

// child is the Python process. One line goes in, one comes out.
type child struct {
	in  io.WriteCloser
	out *bufio.Scanner
}

type (
	toChild struct {
		SD      string           `json:"sd,omitempty"` // prepares the next question: hexadecimal digits
		SIDs    []string         `json:"sids,omitempty"`
		Desired winnt.AccessMask `json:"desired,omitempty"`
		Once    bool             `json:"once,omitempty"`
		ID      int              `json:"id"`
		N       int              `json:"n,omitempty"` // asks question ID so often
	}
	fromChild struct {
		Version string           `json:"version"`
		Error   string           `json:"error"`
		ID      int              `json:"id"`
		NS      int64            `json:"ns"`
		Granted winnt.AccessMask `json:"granted"`
	}
)

// openPython starts a Python process with Samba's bindings. It returns an error if the process ends or the package is
// missing. The peer's close ends the process.
func openPython() (*peer, error) {
	cmd := exec.Command(debianPython, "-c", askPython)
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	c := &child{in, bufio.NewScanner(out)}
	closeChild := func() { _, _ = in.Close(), cmd.Wait() } // it ends at the end of its input
	hello, err := c.receive()
	if err != nil {
		closeChild()
		lines := strings.Split(strings.TrimSpace(stderr.String()), "\n")
		return nil, fmt.Errorf("%s: %s; install the package python3-samba", debianPython, lines[len(lines)-1])
	}
	return &peer{
		name: "python3-samba", version: hello.Version,
		lacks: "the same as the C library",
		prepare: func(in *input) (asker, error) {
			m := toChild{SD: hex.EncodeToString(in.raw), Desired: in.kind.desired(), Once: in.kind == onceUsed}
			for _, s := range in.token {
				m.SIDs = append(m.SIDs, s.String())
			}
			r, err := c.call(m)
			return &pythonAsker{c, r.ID}, err
		},
		close: closeChild,
	}, nil
}

// receive reads one line of the Python process. It returns an error if the process ended, the line is malformed, or
// it reports an error.
func (c *child) receive() (r fromChild, err error) {
	if !c.out.Scan() {
		return r, errors.Join(errors.New("the Python process ended"), c.out.Err())
	}
	if err := json.Unmarshal(c.out.Bytes(), &r); err != nil {
		return r, fmt.Errorf("line %q of the Python process: %w", c.out.Text(), err)
	}
	if r.Error != "" {
		return r, errors.New(r.Error)
	}
	return r, nil
}

func (c *child) call(m toChild) (fromChild, error) {
	if err := json.NewEncoder(c.in).Encode(m); err != nil {
		return fromChild{}, err
	}
	return c.receive()
}

type pythonAsker struct {
	c  *child
	id int
}

func (a *pythonAsker) answer() (winnt.AccessMask, error) {
	r, err := a.c.call(toChild{ID: a.id, N: 1})
	return r.Granted, err
}

func (a *pythonAsker) ask(n int) (time.Duration, error) {
	r, err := a.c.call(toChild{ID: a.id, N: n})
	return time.Duration(r.NS), err
}
