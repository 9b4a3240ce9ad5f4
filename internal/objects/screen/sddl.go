package screen

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/refmon/refmon/internal/objects"
)

// sddlLines reads descriptors in SDDL as (Get-Acl PATH).Sddl prints them: one a line, or broken by the console. They
// have no paths: an object is called "line N".
type sddlLines struct{ lines lines }

// newSDDL returns the source of a text with descriptors in SDDL.
func newSDDL(in io.Reader) objects.Source { return &sddlLines{newLines(in)} }

// Next fills b with the next descriptors. It returns io.EOF after the last one.
func (s *sddlLines) Next(b *objects.Batch) error { return objects.Gather(b, s.one) }

// one reads the next descriptor into o, or returns io.EOF. A descriptor ends at an empty line, the end of the text,
// or the next descriptor if parentheses are balanced. Other text and a descriptor above objects.MaxLine set o.Err.
// Other errors end the run.
func (s *sddlLines) one(o *objects.Object) error {
	first, err := s.lines.nextFull()
	if err != nil {
		return err
	}
	o.Path = fmt.Appendf(nil, "line %d", s.lines.number)
	if !descriptor.MatchString(first) {
		o.Err = errors.New("this line is not a descriptor in SDDL")
		return nil
	}
	parts, size, open := []string{first}, len(first), unclosed(first)
	for {
		line, err := s.lines.next()
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if err != nil || line == "" {
			break
		}
		if descriptor.MatchString(line) && open <= 0 {
			if s.lines.unread(); line[0] == 'D' && !strings.Contains(strings.Join(parts, ""), "D:") {
				o.Err = errors.New("the descriptor has no D: part and the next line begins with one: write each " +
					"descriptor in one line")
				return nil
			}
			break
		}
		open += unclosed(line)
		if parts, size = append(parts, line), size+len(line); size > objects.MaxLine {
			o.Err = fmt.Errorf("the descriptor is longer than %d MiB", objects.MaxLine>>20)
			s.lines.skip()
			return nil
		}
	}
	o.SD, o.Form, o.Err = sddlOf(parts)
	return nil
}

// unclosed returns how many parentheses a line opens more than it closes.
func unclosed(line string) int { return strings.Count(line, "(") - strings.Count(line, ")") }

var conditional = regexp.MustCompile(`(?i)\((X[ADU]|ZA|RA);`)

// sddlOf joins the lines of a descriptor and returns it with its form. It does not parse it. A broken line with a
// condition is an error, because the console removes blanks there, and a blank in a string would change the condition
// (B-62).
func sddlOf(parts []string) ([]byte, objects.Form, error) {
	text := strings.Join(parts, "")
	if len(parts) > 1 && conditional.MatchString(text) {
		return nil, objects.FormNone, errors.New("the console broke the lines of a descriptor with a condition, whose " +
			"blanks are lost: use Get-Acl PATH | Select Path,Sddl | Export-Csv FILE")
	}
	return []byte(text), objects.FormSDDL, nil
}
