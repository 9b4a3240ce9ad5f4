// Package ldif reads objects and managed accounts from LDIF, as ldapsearch and refmond directory export write it.
package ldif

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/refmon/refmon/internal/directory/ldif"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/winnt"
)

// source reads the attributes dn and nTSecurityDescriptor of LDIF entries, and those in [objects.Entry].
type source struct {
	r      *bufio.Scanner
	number int    // of the last line that was read
	begun  int    // number of the line that line returned, the first of those that make it up
	held   string // the next line, already read
	have   bool
	ended  bool // r has no further line, or failed
}

// New returns the source of an LDIF text. An entry without nTSecurityDescriptor, with wrong base64, or with a second
// dn, descriptor or objectSid is an object with an error. Entries with neither dn nor descriptor are skipped. A line
// longer than [objects.MaxLine] ends the run with an error, and so does the result of a search that failed.
func New(in io.Reader) objects.Source {
	s := bufio.NewScanner(in)
	s.Buffer(nil, objects.MaxLine)
	return &source{r: s}
}

// Is reports whether New returned s. It is false for nil and for a source that wraps one of New.
func Is(s objects.Source) bool {
	_, ok := s.(*source)
	return ok
}

// Next fills b with the next entries, or returns io.EOF. An error of the reader ends the run.
func (l *source) Next(b *objects.Batch) error { return objects.Gather(b, l.readObject) }

// scan advances r to the next line and counts it. It returns false at the end of the text and after an error, after
// which r would return a part of a line that is too long.
func (l *source) scan() bool {
	if l.ended = l.ended || !l.r.Scan(); l.ended {
		return false
	}
	l.number++
	return true
}

// readRaw returns a line without its end: the held one, else the next of the text. ok is false at the end of the text,
// and after an error of the reader.
func (l *source) readRaw() (string, bool) {
	if l.have {
		l.have, l.begun = false, l.number
		return l.held, true
	}
	if !l.scan() {
		return "", false
	}
	l.begun = l.number
	return strings.TrimRight(l.r.Text(), "\r"), true // a pipe of PowerShell can write \r\r\n
}

// readLine returns a line with its continuations. ok is false at the end of the text, and after an error of the
// reader. It drops the one leading space of each continuation.
func (l *source) readLine() (string, bool) {
	text, ok := l.readRaw()
	if !ok {
		return "", false
	}
	if !l.scan() {
		return text, true
	}
	var b strings.Builder
	b.WriteString(text)
	for more := true; more; more = l.scan() {
		next := strings.TrimRight(l.r.Text(), "\r")
		if !strings.HasPrefix(next, " ") {
			l.held, l.have = next, true
			break
		}
		b.WriteString(next[1:])
	}
	return b.String(), true
}

// readObject reads the next entry that has a dn into o and skips others. It returns io.EOF after the last entry, and
// other errors of the reader unchanged.
func (l *source) readObject(o *objects.Object) error {
	for {
		found, ended, err := l.entry(o)
		if err != nil || found {
			return err
		}
		if ended {
			return io.EOF
		}
	}
}

// entry reads one LDIF entry, up to the next empty line, into o. Comments are skipped. Attribute names match in any
// case. found is false without a dn and a descriptor. ended reports the end of the text. err ends the run. o.Err is the
// last malformed attribute, or ErrNoDescriptor for a missing descriptor. Without a dn, o.Path is the line.
func (l *source) entry(o *objects.Object) (found, ended bool, err error) {
	var e objects.Entry
	*o = objects.Object{Type: winnt.DirectoryServiceObject, Entry: &e}
	var searched error // of a search that failed
	for {
		text, ok := l.readLine()
		if !ok {
			if err := objects.LineError(l.number, l.r.Err()); err != nil {
				return false, true, err
			}
			ended = true
			break
		}
		if text == "" {
			break
		}
		if text[0] == '#' {
			continue
		}
		name, value, ok := ldifValue(text)
		switch {
		case strings.EqualFold(name, "dn") && o.Path != nil,
			strings.EqualFold(name, "nTSecurityDescriptor") && o.Form != objects.FormNone,
			strings.EqualFold(name, "objectSid") && !e.SID.IsZero(),
			strings.EqualFold(name, "msDS-GroupMSAMembership") && e.Managed != nil:
			o.Err = fmt.Errorf("line %d: the entry has a second %s", l.begun, name)
		case name == "result":
			if err := ldif.SearchError(string(value)); err != nil {
				searched = fmt.Errorf("read objects: line %d: %w", l.begun, err)
			}
		case strings.EqualFold(name, "dn"):
			o.Path = value
			if !ok {
				o.Err = fmt.Errorf("line %d: dn: wrong base64", l.begun)
			}
		case strings.EqualFold(name, "nTSecurityDescriptor"):
			l.takeDescriptor(o, value, ok)
		default:
			if err := addAttribute(&e, name, value, ok); err != nil {
				o.Err = fmt.Errorf("line %d: %s: %w", l.begun, name, err)
			}
		}
	}
	if o.Path == nil && o.Form != objects.FormNone {
		o.Path, o.Err = fmt.Appendf(nil, "line %d", l.begun), errNoDN
	}
	if o.Path == nil {
		return false, ended, searched
	}
	if o.Form == objects.FormNone && o.Err == nil {
		o.Err = missing(l.begun)
	}
	return true, ended, nil
}

// takeDescriptor stores the value of nTSecurityDescriptor, bytes or SDDL, in o. ok is false for wrong base64, which
// sets o.Err, and so do base64 in place of text and a URL.
func (l *source) takeDescriptor(o *objects.Object, value []byte, ok bool) {
	if o.SD, o.Form = value, objects.FormBinary; len(value) > 0 && value[0] != 1 {
		o.Form = objects.FormSDDL // as ldbsearch prints it; the bytes begin with revision 1
	}
	switch {
	case !ok:
		o.Err = fmt.Errorf("line %d: nTSecurityDescriptor: wrong base64", l.begun)
	case bytes.HasPrefix(value, []byte("<")):
		o.Err = fmt.Errorf("line %d: nTSecurityDescriptor: %w", l.begun, ldif.ErrElsewhere)
	case bytes.HasPrefix(value, []byte("AQ")): // base64 of the revision 1; SDDL starts with O:, G:, D: or S:
		o.Err = fmt.Errorf("line %d: nTSecurityDescriptor: base64 needs two colons: write "+
			"nTSecurityDescriptor:: %s…", l.begun, value[:min(len(value), 8)])
	}
}

// missing is the error of an entry without a descriptor. Its value is the line where the entry ends.
type missing int

// Error returns the line at which the entry ends, and how to query nTSecurityDescriptor.
func (m missing) Error() string {
	return fmt.Sprintf("the entry that ends at line %d has no nTSecurityDescriptor: ask for it by name, with the "+
		"right to read it", int(m))
}

// Is reports whether target is [objects.ErrNoDescriptor].
func (m missing) Is(target error) bool { return target == objects.ErrNoDescriptor }

// ldifValue parses "name: text" or "name:: base64"; ok is false for another line or wrong base64. A line without a
// colon is a name with the empty value. Blanks after the colon do not belong to the value (FILL in RFC 2849).
func ldifValue(line string) (name string, value []byte, ok bool) {
	name, rest, _ := strings.Cut(line, ":")
	if coded, is := strings.CutPrefix(rest, ":"); is {
		value, err := base64.StdEncoding.DecodeString(strings.TrimSpace(coded))
		return name, value, err == nil
	}
	return name, []byte(strings.TrimLeft(rest, " ")), true
}

var (
	errBase64 = errors.New("wrong base64")
	errNoDN   = errors.New("the entry that ends here has no dn")
)

// addAttribute stores an attribute of an entry. ok is false if its value has wrong base64, which is an error for all
// attributes that e has. Names of attributes match in any case. A SID may be text or bytes. It ignores other
// attributes.
func addAttribute(e *objects.Entry, name string, value []byte, ok bool) (err error) {
	switch strings.ToLower(name) {
	case "objectsid":
		if !ok {
			return errBase64
		}
		if e.SID, err = ldif.ObjectSID(string(value)); err != nil && bytes.HasPrefix(value, []byte("AQ")) {
			err = fmt.Errorf("base64 needs two colons: write objectSid:: %s…", value[:min(len(value), 8)])
		}
		return err
	case "objectclass":
		if !ok {
			return errBase64
		}
		e.Classes = append(e.Classes, string(value))
	case "samaccountname":
		if !ok {
			return errBase64
		}
		e.Name = string(value)
	case "userprincipalname":
		if !ok {
			return errBase64
		}
		e.UPN = string(value)
	case "grouptype": // only groups have it
		if len(e.Classes) == 0 {
			e.Classes = append(e.Classes, "group")
		}
	case "operatingsystem":
		if !ok {
			return errBase64
		}
		e.System = string(value)
	case "msds-groupmsamembership":
		if e.Managed = value; !ok {
			e.Managed = []byte{} // not nil: the object is such an account, and who reads its password is unknown
			return errBase64
		}
	}
	return nil
}
