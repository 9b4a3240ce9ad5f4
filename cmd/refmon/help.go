package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"unicode/utf8"

	"github.com/alecthomas/kong"

	controls "github.com/refmon/refmon/internal/printable"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
)

// helpCmd holds the arguments of refmon help.
type helpCmd struct {
	Topic []string `arg:"" optional:"" help:"${helpTopic}"`
}

// topics are the subjects that help explains in addition to the commands.
var topics = map[string]string{
	"rights": `Write rights as words joined by +. The meaning of a word depends on the type of
the object:

  read, write, modify, full, list   as Windows shows them for a file
  control                           to change the rights: WRITE_DAC,
                                    WRITE_OWNER, or ownership of the object

Or write them as SDDL does, joined by |: two letters (FR, WD), a number (0x1),
or a name (FILE_READ_DATA). MAXIMUM_ALLOWED requests all rights.

For objects of Active Directory there are words such as DCSync, and WP:member
is the right to write the property member:

  refmon who-can DCSync -o ad.ldif -d company.yaml
  refmon who-can WP:member -o ad.ldif -d company.yaml

All words:
`,
	"exits": `The exit code is

  0  access is granted, or the command succeeded
  1  access is denied, or a comparison found a difference
  2  an argument or a file is wrong, or part of the input could not be read
  3  an audit log is damaged or was changed (refmon audit verify)`,
}

// Run prints the help of a command, of a topic such as rights, or of rules. An unknown topic is an error that names the
// topics. A rule's id prints the rule. The error of a failed write is returned.
func (c *helpCmd) Run(std *streams, parser *kong.Kong) error {
	topic := strings.Join(c.Topic, " ")
	text, ok := topics[topic]
	switch {
	case topic == "tokens":
		return (&helpCmd{Topic: []string{"token", "show"}}).Run(std, parser)
	case topic == "rights":
		_, err := fmt.Fprintln(std.out, text+wrapped(words.All(), 2, 78))
		return err
	case ok:
		_, err := fmt.Fprintln(std.out, text)
		return err
	case isRule(c.Topic):
		return printRules(std, c.Topic)
	}
	if _, err := parser.Parse(append(slices.Clone(c.Topic), "--help")); err != nil && !std.helped {
		return fmt.Errorf("%w: refmon --help lists the commands; the topics are rights, tokens and exits, and ids of rules "+
			"such as A-71", err)
	}
	return nil
}

// wrapped returns names, separated by commas, in indented lines of at most columns columns.
func wrapped(names []string, indent, columns int) string {
	var out strings.Builder
	at := columns
	for i, name := range names {
		if i < len(names)-1 {
			name += ","
		}
		if at+1+len(name) > columns {
			out.WriteString("\n" + strings.Repeat(" ", indent-1))
			at = indent - 1
		}
		out.WriteString(" " + name)
		at += 1 + len(name)
	}
	return strings.TrimPrefix(out.String(), "\n")
}

// caretColumns is the width of the text shown around an error.
const caretColumns = 72

// caret returns the part of a text around an offset, with a caret below the offset. It returns "" for a text with line
// ends or tabs, and for an offset beyond the text.
func caret(text string, offset int) string {
	if offset > len(text) || strings.ContainsAny(text, "\n\r\t") {
		return ""
	}
	from := 0
	if offset > caretColumns-20 {
		from = offset - (caretColumns - 20)
	}
	for from > 0 && !utf8.RuneStart(text[from]) {
		from--
	}
	shown := printable(text[from:])
	shown = shown[:controls.Prefix(shown, caretColumns)]
	before := controls.Width(printable(text[from:offset]))
	return fmt.Sprintf("  %s\n  %s^", shown, strings.Repeat(" ", before))
}

// needsDomain reports whether an error is about an alias of SDDL, such as DU, that no domain was given for (S-10).
func needsDomain(err error) bool { return errors.Is(err, sid.ErrNoDomain) }

// pointedAt returns the text with a caret for an error with an offset. Advice for a name or an alias follows in a line
// of its own. For a file on a mount whose server is gone it returns advice, and "" for other errors.
func pointedAt(err error) string {
	if e, ok := errorAs[*sddl.SyntaxError](err); ok {
		text := caret(e.Text, e.Offset)
		name := accountName(e)
		if name == "" && needsDomain(err) {
			name = "give the domain of the alias: --domain SID, or -d FILE with a directory, if the command has these flags"
		}
		if name != "" {
			text = strings.TrimPrefix(text+"\n"+name, "\n")
		}
		return text
	}
	if e, ok := errorAs[*sid.SyntaxError](err); ok {
		return caret(e.Text, e.Offset)
	}
	if errors.Is(err, syscall.ENOTCONN) {
		return "the server of the mount there was killed: start it again, or end the mount with umount -l DIRECTORY"
	}
	return ""
}
