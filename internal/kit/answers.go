package kit

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/refmon/refmon/internal/strict"
)

// Limits of the lines of the protocol, in bytes.
const (
	MaxQuestion = 64 << 10
	MaxAnswer   = 1 << 20
)

// Answer is a line that an adapter writes. Exactly one of Out, Unsupported and Error is set. Readers also accept an
// empty reason of unsupported.
type Answer struct {
	ID          string `json:"id"`
	Out         *Out   `json:"out,omitempty"`
	Unsupported string `json:"unsupported,omitempty"`
	Error       string `json:"error,omitempty"`
}

// ErrProtocol means that an adapter broke the protocol, so that the run has no score (B-38).
var ErrProtocol = errors.New("the adapter broke the protocol")

// readAnswer parses one line of an adapter's output. Every error wraps ErrProtocol. Errors:
//   - unknown or repeated fields, a field of the wrong type, deep nesting
//   - no id
//   - not exactly one of out, unsupported and error
//   - an error text that does not begin with "invalid" or "other"
func readAnswer(line []byte) (*Answer, error) {
	var a Answer
	err := strict.Unmarshal(line, &a)
	var given map[string]json.RawMessage
	if err == nil {
		err = json.Unmarshal(line, &given)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: answer %s: %w", ErrProtocol, clip(line), err)
	}
	// A reason may be missing (B-45).
	_, no := given["unsupported"]
	if no && a.Unsupported == "" {
		a.Unsupported = "no reason given"
	}
	set := 0
	for _, on := range []bool{a.Out != nil, no, a.Error != ""} {
		if on {
			set++
		}
	}
	switch {
	case a.ID == "":
		return nil, fmt.Errorf("%w: answer %s: no id", ErrProtocol, clip(line))
	case string(given["out"]) == "null":
		return nil, fmt.Errorf(`%w: answer %s: "out" is null: write {"id":%q,"out":{...}} with the result, or "unsupported" `+
			`or "error" in place of "out"`, ErrProtocol, clip(line), a.ID)
	case set != 1:
		return nil, fmt.Errorf("%w: answer %s: give one of out, unsupported and error", ErrProtocol, clip(line))
	case a.Error != "" && !strings.HasPrefix(a.Error, "invalid") && !strings.HasPrefix(a.Error, "other"):
		return nil, fmt.Errorf("%w: answer %s: the error must start with invalid or other", ErrProtocol, clip(line))
	}
	return &a, nil
}

// clip returns the start of a line for a message, quoted.
func clip(line []byte) string { return fmt.Sprintf("%.80q", line) }

// eachLine calls fn with each nonblank line of r, without surrounding white space. It stops at the first error of fn
// or r. A line over MaxAnswer bytes is an error (B-38). Protocol errors name the line, counted from 1 with blank
// lines (B-45).
func eachLine(r io.Reader, fn func([]byte) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, MaxAnswer)
	n := 1
	for ; lines.Scan(); n++ {
		if line := bytes.TrimSpace(lines.Bytes()); len(line) > 0 {
			err := fn(line)
			if errors.Is(err, ErrProtocol) {
				err = fmt.Errorf("line %d: %w", n, err)
			}
			if err != nil {
				return err
			}
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return fmt.Errorf("line %d: %w: a line of more than %d bytes", n, ErrProtocol, MaxAnswer)
	}
	return lines.Err()
}
