package audit

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/refmon/refmon/winnt"
)

// field parses one member of "data", a field of the event: a string or a list of strings. A list without items is an
// error. The bytes of a following member with the suffix _raw replace the text. A list has bytes for every item.
func (p *parser) field() Field {
	f := Field{Name: p.text()}
	p.expect(`:`)
	if !p.accept(`[`) {
		f.text = p.value("", f.Name)
		return f
	}
	f.style = styleOf(f.Name)
	f.items = p.items(func() string { return p.text() })
	if len(f.items) == 0 {
		p.fail("%s is a list without items", f.Name)
	}
	invalid := func(s string) bool { return strings.ContainsRune(s, utf8.RuneError) }
	if slices.ContainsFunc(f.items, invalid) && p.accept(`,"`+f.Name+`_raw":[`) {
		n := len(f.items)
		if f.items = p.items(func() string { return p.hex("") }); len(f.items) != n {
			p.fail("%s_raw has not as many items as %s", f.Name, f.Name)
		}
	}
	return f
}

// items parses the rest of a JSON array after its opening bracket. one parses an item. It returns nil for an empty
// array.
func (p *parser) items(one func() string) []string {
	var items []string
	for p.err == nil && !p.accept(`]`) {
		if len(items) > 0 {
			p.expect(`,`)
		}
		items = append(items, one())
	}
	return items
}

// styleOf returns how the items of a list field are joined in text (U-57).
func styleOf(name string) listStyle {
	switch name {
	case "AccessList", "AccessReason", "Properties", "AccessMask":
		return accessList
	case "PrivilegeList", "EnabledPrivilegeList", "DisabledPrivilegeList":
		return privilegeList
	}
	return policyChanges
}

// access parses one object of "access": a right with its code, name, reason and deciding ACE.
func (p *parser) access() accessLine {
	var l accessLine
	bit, err := strconv.ParseUint(p.string(`{"bit":`), 0, 32)
	if err != nil {
		p.fail("a right's bit is no number")
	}
	l.Bit = winnt.AccessMask(bit)
	l.Code = p.code(`,"code":`)
	l.Text = p.string(`,"text":`)
	if p.accept(`,"reason":""`) {
		l.reason = 0
	} else {
		l.reason = p.code(`,"reason":`)
	}
	l.ace = p.value(`,"ace":`, "ace")
	p.expect(`}`)
	return l
}

// code parses a JSON key and the message code after it, such as "%%1801", whose number it returns. It fails the
// parser for other text.
func (p *parser) code(key string) uint16 {
	text, ok := strings.CutPrefix(p.string(key), "%%")
	v, err := strconv.ParseUint(text, 10, 16)
	if !ok || err != nil {
		p.fail("%s is no message code", key)
	}
	return uint16(v)
}

// Access is one right of a record with its reason.
type Access struct {
	Right
	Reason uint16 // message code such as 1801; 0: none is known
	ACE    string // SDDL of the deciding entry, "" if none decided
}

// Accesses yields the rights of AccessList, each with its reason.
func (e Event) Accesses() func(yield func(Access) bool) {
	return func(yield func(Access) bool) {
		for i := range e.access {
			l := &e.access[i]
			if !yield(Access{l.Right, l.reason, l.ace}) {
				return
			}
		}
	}
}
