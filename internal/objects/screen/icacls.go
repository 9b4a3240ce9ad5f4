package screen

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/winnt"
)

const icaclsCommand = "icacls PATH /save FILE"

// icacls reads what "icacls PATH" prints: the path, a blank and the first entry, then an entry a line below the first
// entry, and an empty line.
type icacls struct {
	named
	lines lines
}

// newICACLS returns the source of a text that "icacls PATH" printed.
func newICACLS(in io.Reader) objects.Source { return &icacls{lines: newLines(in)} }

// Next fills b with the next objects. It returns io.EOF after the last one.
func (c *icacls) Next(b *objects.Batch) error { return objects.Gather(b, c.one) }

// Loss returns a message for people about what icacls does not print, with the command that prints it.
func (c *icacls) Loss() string {
	return "icacls prints no owner, no group and no conditions: rights that the owner has without an entry are " +
		"not counted; " + icaclsCommand + " has the conditions"
}

var groups = regexp.MustCompile(`^(.*\S):((?:\([A-Za-z, ]+\))+)$`)

// entryOf splits a line into the text before the colon and the bracketed words. ok is false for a line without them.
func entryOf(line string) (before, words string, ok bool) {
	if m := groups.FindStringSubmatch(line); m != nil {
		return m[1], m[2], true
	}
	return "", "", false
}

// Lines that are no entries: an object without a DACL, and an error, which in English ends in a full stop and otherwise
// has at least the path before it. A full stop behind a backslash may end a broken path. No name or path has a colon
// before a blank. No error has the brackets of an entry.
var (
	nullDACL  = regexp.MustCompile(`^(.*\S) No permissions are set\. All users have full control\.$`)
	errorLine = regexp.MustCompile(`^(?:(\S.*?): )?([^ ()][^()]*?)$`)
)

// failure returns the path and the message of a line with an error of icacls. path is the whole line if it has no
// path. ok is false for any other line.
func failure(line string) (path, message string, ok bool) {
	m := errorLine.FindStringSubmatch(line)
	switch {
	case m == nil || nullDACL.MatchString(line):
		return "", "", false
	case m[1] == "" && (!strings.HasSuffix(line, ".") || strings.Contains(line, `\`)):
		return "", "", false
	case m[1] == "":
		return line, line, true
	}
	return m[1], m[2], true
}

// begins reports whether the lines at the beginning of a text are an object of icacls, with errors before it or not.
// A line such as "name: value" of another form is not an error of icacls: the text before the colon must be a path of
// Windows.
func begins(lines []string) bool {
	for _, line := range lines {
		if _, _, ok := entryOf(line); ok || nullDACL.MatchString(line) {
			return true
		}
		path, message, ok := failure(line)
		if !ok || path != message && !windowsPath.MatchString(path) {
			return false
		}
	}
	return false
}

// windowsPath matches a path with a drive or a backslash.
var windowsPath = regexp.MustCompile(`^[A-Za-z]:|\\`)

var summary = regexp.MustCompile(`^[^\\/:]*[0-9]+[^\\/:]*[0-9]+[^\\/:]*$`)

// one reads the next object into o, or returns io.EOF. The summary line of icacls is skipped. A malformed entry, an
// unclear end of the path and an error of icacls set o.Err; o.Path is then the whole first line, if the path is
// unknown. Other errors end the run.
func (c *icacls) one(o *objects.Object) error {
	first, err := c.lines.nextFull()
	for err == nil && summary.MatchString(first) { // "processed 2 files; failed 0 files", in any language
		first, err = c.lines.nextFull()
	}
	if err != nil {
		return err
	}
	o.Path = []byte(first)
	number := c.lines.number
	if path, message, ok := failure(first); ok {
		o.Path, o.Err = []byte(path), fmt.Errorf("line %d: icacls: %s", number, message)
		return nil
	}
	rest, indent, err := c.readRest()
	switch {
	case errors.Is(err, errBroken):
		o.Err = err
		return nil
	case err != nil:
		return err
	}
	t := c.text()
	if o.Err = c.begin(o, t, number, indent); o.Err != nil {
		return nil
	}
	for _, line := range rest {
		before, words, _ := entryOf(line)
		if o.Err = icaclsEntry(t, strings.TrimLeft(before, " "), words); o.Err != nil {
			return nil
		}
	}
	if t.control != "" && t.entries > 0 {
		o.Err = fmt.Errorf("line %d: icacls: the object has no DACL and entries: use %s", number, icaclsCommand)
		return nil
	}
	o.SD, o.Form, o.Note = []byte(t.String()), objects.FormSDDL, objects.NoteNoOwner
	return nil
}

// begin reads the first line of an object, which is o.Path: it sets o.Path to the path and adds the first entry to t.
// number is that of the line, and indent that of split.
func (c *icacls) begin(o *objects.Object, t *descriptorText, number, indent int) error {
	first := string(o.Path)
	if m := nullDACL.FindStringSubmatch(first); m != nil {
		o.Path, t.control = []byte(m[1]), "NO_ACCESS_CONTROL"
		return nil
	}
	before, words, ok := entryOf(first)
	if !ok || first[0] == ' ' {
		return fmt.Errorf("line %d: this is not an entry of icacls: use %s", number, icaclsCommand)
	}
	path, who, err := c.split(before, indent)
	if err != nil {
		return err
	}
	o.Path = []byte(path)
	return icaclsEntry(t, who, words)
}

var errBroken = errors.New("icacls: a line is not an entry, perhaps broken by the console: use " + icaclsCommand)

// readRest reads the entries after an object's first line, and the empty line or summary behind them. It ends before a
// line with an error about the next object. indent is the number of blanks before each, 0 without entries. After a line
// that is not an entry, different indents or more than maxEntries lines, the object is skipped and the error is
// errBroken.
func (c *icacls) readRest() (list []string, indent int, err error) {
	for {
		line, err := c.lines.next()
		if errors.Is(err, io.EOF) || line == "" && err == nil {
			return list, indent, nil
		}
		if err != nil {
			return nil, 0, err
		}
		blanks := len(line) - len(strings.TrimLeft(line, " "))
		if blanks == 0 && summary.MatchString(line) {
			return list, indent, nil
		}
		if _, _, failed := failure(line); failed {
			c.lines.unread() // it is about the next object
			return list, indent, nil
		}
		_, _, ok := entryOf(line)
		if !ok || blanks == 0 || indent != 0 && indent != blanks || len(list) == maxEntries {
			number := c.lines.number
			c.lines.skip()
			return nil, 0, fmt.Errorf("line %d: %w", number, errBroken)
		}
		list, indent = append(list, line), blanks
	}
}

// split divides text into path and account. indent is the number of blanks before the other entries, 0 without
// others; the account is then the only text after a blank that has a SID. Errors:
//   - text that is not UTF-8
//   - entries that are not in one column
//   - no known account, or several
func (c *icacls) split(text string, indent int) (path, who string, err error) {
	if !utf8.ValidString(text) {
		return "", "", errors.New("the text of icacls is not UTF-8: run chcp 65001 before it, or use " + icaclsCommand)
	}
	runes := []rune(text)
	if indent > 0 {
		if len(runes) <= indent || runes[indent-1] != ' ' || indent < 2 {
			return "", "", fmt.Errorf("%w: the entries are not in one column", errBroken)
		}
		return string(runes[:indent-1]), string(runes[indent:]), nil
	}
	found := 0
	t := c.text()
	for at := max(1, len(text)-logon.MaxName); at < len(text)-1; at++ { // no account has a longer name
		if text[at] != ' ' {
			continue
		}
		blank, windows := blankDomain(text[at+1:])
		if blank && !windows { // only Windows' own domains have a blank: a part of the path is before the domain
			continue
		}
		if _, ok := t.lookup(text[at+1:]); ok {
			path, who = text[:at], text[at+1:]
			if found++; windows {
				break
			}
		}
	}
	if found != 1 {
		return "", "", fmt.Errorf("icacls: no known account is at the end of %q, so it is unclear where the path ends: "+
			"give a directory file (-d) that has the account, for another domain as DOMAIN\\name with its SID, or use %s, "+
			"which writes SIDs", text, icaclsCommand)
	}
	return path, who, nil
}

// blankDomain reports whether the domain of an account has a blank, and whether that is a domain of Windows itself,
// such as NT AUTHORITY. It reports false for a name without a domain.
func blankDomain(name string) (blank, windows bool) {
	domain, _, qualified := strings.Cut(name, `\`)
	if !qualified || !strings.Contains(domain, " ") {
		return false, false
	}
	_, known := logon.WellKnownName(domain)
	return true, known
}

// icaclsRights are the words of icacls. The simple ones stand for the masks that icacls /grant sets.
var icaclsRights = map[string]winnt.AccessMask{
	"F": winnt.FILE_ALL_ACCESS, "N": winnt.FILE_ALL_ACCESS, "M": 0x1301BF, "RX": 0x1200A9, "R": 0x120089,
	"W": 0x100116, "D": winnt.DELETE,
	"DE": winnt.DELETE, "RC": winnt.READ_CONTROL, "WDAC": winnt.WRITE_DAC, "WO": winnt.WRITE_OWNER,
	"S": winnt.SYNCHRONIZE, "AS": winnt.ACCESS_SYSTEM_SECURITY, "MA": winnt.MAXIMUM_ALLOWED,
	"GR": winnt.GENERIC_READ, "GW": winnt.GENERIC_WRITE, "GE": winnt.GENERIC_EXECUTE, "GA": winnt.GENERIC_ALL,
	"RD": winnt.FILE_READ_DATA, "WD": winnt.FILE_WRITE_DATA, "AD": winnt.FILE_APPEND_DATA, "REA": winnt.FILE_READ_EA,
	"WEA": winnt.FILE_WRITE_EA, "X": winnt.FILE_EXECUTE, "DC": winnt.FILE_DELETE_CHILD,
	"RA": winnt.FILE_READ_ATTRIBUTES, "WA": winnt.FILE_WRITE_ATTRIBUTES,
}

var icaclsFlags = map[string]string{"OI": "OI", "CI": "CI", "IO": "IO", "NP": "NP", "I": "ID"}

// icaclsLabels are the words of a mandatory label.
var icaclsLabels = map[string]string{"NW": "NW", "NR": "NR", "NX": "NX"}

// icaclsEntry appends the entry for the account name to t. words are brackets such as (DENY)(OI)(CI)(RX,W), in any
// case. N denies. An entry of a label goes to t.label, without other rights. An unknown word or account, and an entry
// without rights, are errors.
func icaclsEntry(t *descriptorText, name, words string) error {
	kind := "A"
	var flags, label strings.Builder // builders, because there may be millions of words
	var mask winnt.AccessMask
	for word := range strings.SplitSeq(strings.TrimSuffix(strings.TrimPrefix(words, "("), ")"), ")(") {
		word = strings.ToUpper(strings.TrimSpace(word))
		if flag, ok := icaclsFlags[word]; ok {
			flags.WriteString(flag)
			continue
		}
		if word == "DENY" || word == "N" {
			kind = "D"
			if word == "DENY" {
				continue
			}
		}
		for one := range strings.SplitSeq(word, ",") {
			one = strings.TrimSpace(one)
			right, ok := icaclsRights[one]
			policy, labelled := icaclsLabels[one]
			if mask |= right; !ok && !labelled {
				return fmt.Errorf("icacls: %q is not a right or flag of icacls: use %s", one, icaclsCommand)
			}
			label.WriteString(policy)
		}
	}
	who, err := t.who(name, icaclsCommand)
	switch {
	case err != nil:
		return err
	case label.Len() > 0:
		fmt.Fprintf(&t.label, "(ML;%s;%s;;;%v)", flags.String(), label.String(), who)
		return nil
	case mask == 0:
		return fmt.Errorf("icacls: the entry for %q has no rights: use %s", name, icaclsCommand)
	}
	return t.add(kind, flags.String(), uint32(mask), who)
}
