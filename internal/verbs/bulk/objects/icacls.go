package objects

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
)

// icacls reads what "icacls PATH /save FILE" writes: a line with the path, a
// line with the SDDL.
type icacls struct {
	r      *bufio.Scanner
	number int
}

func newICACLS(in io.Reader) *icacls {
	s := bufio.NewScanner(in)
	s.Buffer(nil, MaxLine)
	return &icacls{r: s}
}

func (c *icacls) Next(b *Batch) error { return gather(b, c.one) }

func (c *icacls) line() (string, error) {
	for c.r.Scan() {
		c.number++
		if text := strings.TrimSuffix(c.r.Text(), "\r"); text != "" {
			return text, nil
		}
	}
	if err := c.r.Err(); err != nil {
		return "", fmt.Errorf("read objects: %w", err)
	}
	return "", io.EOF
}

func (c *icacls) one(o *Object) error {
	name, err := c.line()
	if err != nil {
		return err
	}
	o.Path = []byte(name)
	text, err := c.line()
	if errors.Is(err, io.EOF) {
		o.Err = fmt.Errorf("line %d: the path is the last line, its descriptor is missing", c.number)
		return nil
	}
	o.SD, o.Form = []byte(text), FormSDDL
	return err
}
