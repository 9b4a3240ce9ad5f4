package screen

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

const accessChkCommand = "(Get-Acl PATH).Sddl in PowerShell"

var (
	banner     = regexp.MustCompile(`^(?i:Accesschk v[0-9]|Copyright \(C\)|Sysinternals - )`)
	aceHead    = regexp.MustCompile(`^\[([0-9]+)\] ([A-Z_]+): (.+)$`)
	bracketed  = regexp.MustCompile(`^\[([A-Z_]+)\]$`)
	labelLine  = regexp.MustCompile(`^(.+ Mandatory Level)( \(Default\))?((?: ?\[[A-Za-z, -]+\])*)$`)
	rightNames = regexp.MustCompile(`^([A-Z]+(_[A-Z]+)+|DELETE|SYNCHRONIZE|0x[0-9A-Fa-f]+)$`)
)

// isAccessChk reports whether lines are of accesschk: its banner, or an object in the first column and lines below it
// with two blanks before them. No line may be empty.
func isAccessChk(list []string) bool {
	for _, line := range list {
		text := strings.TrimLeft(line, " ")
		if banner.MatchString(line) || strings.HasPrefix(line, "  ") &&
			(strings.HasPrefix(text, "DESCRIPTOR FLAGS:") || aceHead.MatchString(text)) {
			return true
		}
	}
	return len(list) > 1 && list[0][0] != ' ' && list[1][0] == ' ' && hasLine(list[1:], effective)
}

// accessChkForm returns the reader of whole descriptors, which -l prints, or ErrEffective. Both are nil if the lines
// are a banner alone. Headings of whole descriptors come before effective rights.
func accessChkForm(list []string) (func(io.Reader) objects.Source, error) {
	for _, line := range list {
		if text := strings.TrimLeft(line, " "); strings.HasPrefix(text, "DESCRIPTOR FLAGS:") || aceHead.MatchString(text) {
			return newAccessChk, nil
		}
	}
	if hasLine(list, effective) {
		return nil, ErrEffective
	}
	return nil, nil
}

// accessChk reads what "accesschk -l" prints: an object in the first column, and below it flags, the owner and
// numbered entries with their flags and rights.
type accessChk struct {
	named
	lines lines
}

// newAccessChk returns the source of a text that "accesschk -l" printed.
func newAccessChk(in io.Reader) objects.Source { return &accessChk{lines: newLines(in)} }

// Next fills b with the next objects. It returns io.EOF after the last one.
func (a *accessChk) Next(b *objects.Batch) error { return objects.Gather(b, a.one) }

// Loss returns a message for people about what accesschk does not print, with the command that prints it.
func (a *accessChk) Loss() string {
	return "accesschk -l prints no group, no conditions and no types of object entries: an object with such an entry " +
		"is an error; " + accessChkCommand + " has them"
}

// one reads the next object into o, or returns io.EOF. Text that cannot be read completely sets o.Err. Other errors end
// the run. The first wrong line is the object's error, and its other lines are skipped. Banner lines before an object
// are skipped.
func (a *accessChk) one(o *objects.Object) error {
	first, err := a.lines.nextFull()
	for err == nil && banner.MatchString(first) {
		first, err = a.lines.nextFull()
	}
	if err != nil {
		return err
	}
	o.Path = []byte(first)
	x := accessChkObject{descriptorText: a.text()}
	var wrong error
	if first[0] == ' ' || first[0] == '\t' {
		wrong = errors.New("accesschk: the line is not below an object")
	}
	for {
		line, err := a.lines.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if line == "" {
			continue
		}
		if line[0] != ' ' && line[0] != '\t' {
			a.lines.unread()
			break
		}
		if wrong == nil {
			if wrong = x.line(strings.TrimLeft(line, " \t")); wrong != nil {
				wrong = fmt.Errorf("line %d: %w", a.lines.number, wrong)
			}
		}
	}
	if wrong == nil {
		wrong = x.end()
	}
	if o.Err = wrong; wrong == nil {
		o.SD, o.Form, o.Type = []byte(x.String()), objects.FormSDDL, x.typ
	}
	return nil
}

// accessChkObject builds the descriptor of one object from the lines of accesschk.
type accessChkObject struct {
	*descriptorText
	typ                  *winnt.ObjectType
	present              bool // SE_DACL_PRESENT
	protected, inherited bool // SE_DACL_PROTECTED, SE_DACL_AUTO_INHERITED
	open                 bool // an entry is being read
	kind                 string
	flags                []string // each once
	mask                 winnt.AccessMask
	who                  sid.SID
	next                 int // number of the next entry
}

// accessChkKinds are the types of entries that -l prints in full. SACL entries for auditing grant and deny nothing.
var accessChkKinds = map[string]string{"ACCESS_ALLOWED_ACE_TYPE": "A", "ACCESS_DENIED_ACE_TYPE": "D",
	"SYSTEM_AUDIT_ACE_TYPE": "AU", "SYSTEM_ALARM_ACE_TYPE": "AU", "SYSTEM_MANDATORY_LABEL_ACE_TYPE": "ML"}

var accessChkFlags = map[string]string{"OBJECT_INHERIT_ACE": "OI", "CONTAINER_INHERIT_ACE": "CI",
	"NO_PROPAGATE_INHERIT_ACE": "NP", "INHERIT_ONLY_ACE": "IO", "INHERITED_ACE": "ID",
	"SUCCESSFUL_ACCESS_ACE_FLAG": "", "FAILED_ACCESS_ACE_FLAG": ""}

var accessChkLabels = map[string]winnt.AccessMask{"SYSTEM_MANDATORY_LABEL_NO_WRITE_UP": 1,
	"SYSTEM_MANDATORY_LABEL_NO_READ_UP": 2, "SYSTEM_MANDATORY_LABEL_NO_EXECUTE_UP": 4}

// line parses one line of an object. text has no leading blanks. An unknown line is an error, and so are rights
// outside an entry.
func (x *accessChkObject) line(text string) error {
	if m := aceHead.FindStringSubmatch(text); m != nil {
		return x.head(m[1], m[2], m[3])
	}
	if m := bracketed.FindStringSubmatch(text); m != nil {
		return x.flag(m[1])
	}
	switch name, rest, _ := strings.Cut(text, ": "); {
	case text == "DESCRIPTOR FLAGS:":
		return nil
	case name == "OWNER":
		s, err := x.descriptorText.who(rest, accessChkCommand)
		x.owner = s.String()
		return err
	case name == "LABEL":
		text = rest
		fallthrough
	case labelLine.MatchString(text) && !x.open:
		return x.level(text)
	case x.open && rightNames.MatchString(text):
		return x.right(text)
	}
	return fmt.Errorf("accesschk: %q is not a line of accesschk -l: use %s", text, accessChkCommand)
}

// head closes the open entry and begins one with this number, type and account. Errors are an unknown account (except
// in an audit entry) and a type that accesschk does not print in full. Numbers must ascend by one; those of the SACL
// begin again at 0.
func (x *accessChkObject) head(number, kind, name string) (err error) {
	if err := x.close(); err != nil {
		return err
	}
	var ok bool
	x.kind, ok = accessChkKinds[kind]
	switch n, _ := strconv.Atoi(number); {
	case !ok:
		return fmt.Errorf("accesschk: it does not print %s in full: use %s", kind, accessChkCommand)
	case n != x.next && n != 0: // the numbers of the SACL begin again
		return fmt.Errorf("accesschk: entry %d is missing: use %s", x.next, accessChkCommand)
	case n == 0 && x.next != 0 && (x.kind == "A" || x.kind == "D"):
		return errors.New("accesschk: the numbers of the entries begin again")
	default:
		x.next = n + 1
	}
	x.open, x.flags, x.mask = true, nil, 0
	if x.kind != "AU" {
		x.who, err = x.descriptorText.who(name, accessChkCommand)
	}
	return err
}

// flag reads a flag of the entry, or of the descriptor before the first entry. An unknown flag of an entry is an error;
// of the descriptor, one that does not start with SE_. Other SE_ flags have no effect.
func (x *accessChkObject) flag(name string) error {
	if x.open {
		flag, ok := accessChkFlags[name]
		if !slices.Contains(x.flags, flag) {
			x.flags = append(x.flags, flag)
		}
		if !ok {
			return fmt.Errorf("accesschk: the flag %s is not known: use %s", name, accessChkCommand)
		}
		return nil
	}
	switch name {
	case "SE_DACL_PRESENT":
		x.present = true
	case "SE_DACL_PROTECTED":
		x.protected = true
	case "SE_DACL_AUTO_INHERITED":
		x.inherited = true
	}
	if !strings.HasPrefix(name, "SE_") {
		return fmt.Errorf("accesschk: the flag %s is not known: use %s", name, accessChkCommand)
	}
	return nil
}

// right adds a right to the entry. It takes names of rights, hexadecimal masks and, in a label, its policies. An
// unknown name is an error. A name that begins with KEY_ makes the object a key.
func (x *accessChkObject) right(name string) error {
	if m, ok := accessChkLabels[name]; ok && x.kind == "ML" {
		x.mask |= m
		return nil
	}
	if m, err := strconv.ParseUint(strings.TrimPrefix(name, "0x"), 16, 32); err == nil && strings.HasPrefix(name, "0x") {
		x.mask |= winnt.AccessMask(m)
		return nil
	}
	if strings.HasPrefix(name, "KEY_") {
		x.typ = winnt.KeyObject
	}
	m, err := sddl.ParseRights(name)
	if err != nil {
		return fmt.Errorf("accesschk: the right %s is not known: use %s", name, accessChkCommand)
	}
	x.mask |= m
	return nil
}

// level adds the label of an integrity line to the descriptor; only the first label counts. The default level adds
// nothing. A malformed line or an unknown level is an error. A policy without a known word has no rights.
func (x *accessChkObject) level(text string) error {
	m := labelLine.FindStringSubmatch(text)
	if m == nil {
		return fmt.Errorf("accesschk: %q is not an integrity level: use %s", text, accessChkCommand)
	}
	if m[2] != "" {
		return nil
	}
	policy := strings.ToLower(m[3])
	who, err := x.descriptorText.who(`Mandatory Label\`+strings.TrimPrefix(m[1], `Mandatory Label\`), accessChkCommand)
	rights := ""
	for _, p := range [...][2]string{{"no-write-up", "NW"}, {"no-read-up", "NR"}, {"no-execute-up", "NX"}} {
		if strings.Contains(policy, p[0]) {
			rights += p[1]
		}
	}
	if err == nil && x.descriptorText.label.Len() == 0 {
		fmt.Fprintf(&x.descriptorText.label, "(ML;;%s;;;%v)", rights, who)
	}
	return err
}

// close appends the entry that was read to the descriptor. Without one it does nothing. An entry without rights is an
// error. It drops audit entries, and writes a label entry only if there is none yet. Labels after the first one are
// ignored.
func (x *accessChkObject) close() error {
	if !x.open {
		return nil
	}
	x.open = false
	switch {
	case x.kind == "AU":
		return nil
	case x.kind == "ML":
		if x.descriptorText.label.Len() == 0 {
			fmt.Fprintf(&x.descriptorText.label, "(ML;%s;%#x;;;%v)", strings.Join(x.flags, ""), uint32(x.mask), x.who)
		}
		return nil
	case x.mask == 0:
		return fmt.Errorf("accesschk: entry %d has no rights: use %s", x.next-1, accessChkCommand)
	}
	return x.add(x.kind, strings.Join(x.flags, ""), uint32(x.mask), x.who)
}

// end finishes the last entry of the object. An object with neither entries nor the flag of a DACL is an error,
// because its text may be cut.
func (x *accessChkObject) end() error {
	if err := x.close(); err != nil {
		return err
	}
	if x.protected {
		x.control = "P"
	}
	if x.inherited {
		x.control += "AI"
	}
	if x.entries == 0 && !x.present { // no list: everybody has every right, or the text is cut
		return errors.New("accesschk: the object has neither entries nor SE_DACL_PRESENT: use " + accessChkCommand)
	}
	return nil
}
