package audit

import (
	"iter"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/refmon/refmon/winnt"
)

// FromFields converts an exported Windows event to a record. Its arguments are the header, and the names and texts of
// the fields in order.
//   - It reads lists as [Field.Text] writes them, with any white space between the items.
//   - The rights are those of AccessList, or without a list those of the mask. Each has its reason in AccessReason. A
//     code that the type of the object does not have is a right without a bit.
//   - A field without a name is Data1, Data2 and so on. In names, characters other than ASCII letters, digits and _
//     become _. A name that comes again gets a number.
//   - Invalid UTF-8 in a text stays.
//   - The record has no account of an administrator ([Event.ByAdministrator]).
func FromFields(header Header, fields iter.Seq2[string, string]) Event {
	// The fields keep their order, and lists are split (U-201).
	e := Event{Header: header}
	seen := map[string]bool{}
	for name, text := range fields {
		name = fieldName(name, seen)
		f := Field{Name: name, text: text}
		if isListField(name) || name == "AccessMask" && strings.HasPrefix(text, "%%") {
			if items := itemsOf(name, text); len(items) > 0 {
				f = Field{Name: name, items: items, style: styleOf(name)}
			}
		}
		e.fields = append(e.fields, f)
	}
	e.access = e.rightsOf()
	if header.ID == 4612 {
		text, _ := e.Field("AuditsDiscarded")
		// The number matters only if a sink loses this record too, so an error leaves 0.
		e.discarded, _ = strconv.ParseUint(text, 10, 64)
	}
	return e
}

// fieldName returns a unique field name made from name, and adds it to seen. Characters other than ASCII letters and
// digits become underscores. An empty name becomes Data with a number, and a name in seen gets a number at its end.
func fieldName(name string, seen map[string]bool) string {
	plain := strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf && (r >= '0' && r <= '9' || r|0x20 >= 'a' && r|0x20 <= 'z') {
			return r
		}
		return '_'
	}, name)
	if plain == "" {
		plain = "Data"
	}
	if name != "" && !seen[plain] {
		seen[plain] = true
		return plain
	}
	for n := len(seen) + 1; ; n++ {
		if next := plain + strconv.Itoa(n); !seen[next] {
			seen[next] = true
			return next
		}
	}
}

// itemsOf splits the text of a list field of a Windows event into its items. It returns nil for "-", which stands for
// an absent list.
func itemsOf(name, text string) []string {
	switch {
	case strings.TrimSpace(text) == absent:
		return nil
	case name == "AccessReason":
		return reasonItems(text)
	case styleOf(name) == policyChanges && strings.Contains(text, ","):
		return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r <= ' ' })
	}
	return strings.Fields(text)
}

// reasonItems splits the text of AccessReason into one item per right. It writes the parts of each item as this
// package does. An item of another form stays unchanged.
func reasonItems(text string) (items []string) {
	for text = strings.TrimSpace(text); text != ""; {
		end := nextReason(text)
		right, rest, ok := strings.Cut(text[:end], ":")
		code, by := leadingCode(strings.TrimSpace(rest))
		if !ok || code == 0 {
			items = append(items, strings.TrimSpace(text[:end]))
		} else {
			item := right + ":\t" + message(code)
			if by != "" && code != reasonByCentralRule && code != reasonNotByCentralRule {
				item += "\t"
			}
			items = append(items, item+by)
		}
		text = text[end:]
	}
	return items
}

// nextReason returns the offset of the second item in the text of AccessReason, or the length of the text if there is
// none. An item begins after white space with a right's code and a colon, followed by the code of a reason.
func nextReason(text string) int {
	for at := 1; at < len(text); at++ {
		if text[at] != '%' || text[at-1] > ' ' {
			continue
		}
		digits := strings.TrimPrefix(text[at:], "%%")
		n := len(digits) - len(strings.TrimLeft(digits, "0123456789"))
		if len(digits) == len(text)-at || n == 0 || !strings.HasPrefix(digits[n:], ":") {
			continue
		}
		if code, _ := leadingCode(strings.TrimSpace(digits[n+1:])); code != 0 {
			return at
		}
	}
	return len(text)
}

// leadingCode parses a message code such as %%1801 at the start of a text. It returns the number, and the text behind
// it without blanks at its ends. Without a code it returns 0 and the whole text.
func leadingCode(text string) (code uint16, rest string) {
	digits, ok := strings.CutPrefix(text, "%%")
	n := len(digits) - len(strings.TrimLeft(digits, "0123456789"))
	v, err := strconv.ParseUint(digits[:n], 10, 16)
	if !ok || err != nil {
		return 0, text
	}
	return uint16(v), strings.TrimSpace(digits[n:])
}

// rightsOf reconstructs the rights of an imported event, with their reasons, from AccessList, AccessMask and
// AccessReason. It returns nil if the event names no rights.
func (e *Event) rightsOf() []accessLine {
	typ := e.rightsType()
	lines := e.codedRights(typ, "AccessList")
	if lines == nil {
		lines = e.codedRights(typ, "AccessMask")
	}
	if lines == nil && typ != absent {
		mask, _ := e.Field("AccessMask")
		if m, err := strconv.ParseUint(mask, 0, 32); err == nil {
			lines = accessLines(typ, winnt.AccessMask(m), nil)
		}
	}
	reasons, _ := e.field("AccessReason")
	for _, item := range reasons.items {
		right, why, _ := strings.Cut(item, ":")
		code, _ := leadingCode(right)
		i := slices.IndexFunc(lines, func(l accessLine) bool { return l.Code == code })
		if i < 0 {
			continue
		}
		reason, by := leadingCode(strings.TrimSpace(why))
		if lines[i].reason = reason; strings.HasPrefix(by, "D:(") || strings.HasPrefix(by, "S:(") {
			lines[i].ace = by
		} else {
			lines[i].name = by
		}
	}
	return lines
}

// maxRights is the number of rights that a record can have: an access mask has 32 bits.
const maxRights = 32

// codedRights returns the rights whose message codes are the items of a field, at most maxRights. typ is the object's
// type. It returns nil if the field is no list of codes.
func (e *Event) codedRights(typ, name string) (lines []accessLine) {
	f, _ := e.field(name)
	for _, item := range f.items {
		if code, rest := leadingCode(item); code != 0 && rest == "" && len(lines) < maxRights {
			lines = append(lines, accessLine{Right: codedRight(typ, code)})
		}
	}
	return lines
}

// codedRight returns the right of object type typ that has a message code. Its Bit is 0 if no right of the type has
// the code.
func codedRight(typ string, code uint16) Right {
	const all = winnt.STANDARD_RIGHTS_ALL | winnt.SPECIFIC_RIGHTS_ALL | winnt.ACCESS_SYSTEM_SECURITY |
		winnt.MAXIMUM_ALLOWED
	for r := range Rights(typ, all) {
		if r.Code == code {
			return r
		}
	}
	return Right{Code: code}
}

// field returns the field with this name, and whether the event has one.
func (e *Event) field(name string) (Field, bool) {
	for _, f := range e.fields {
		if f.Name == name {
			return f, true
		}
	}
	return Field{}, false
}

// rightsType returns the object type that gives the names of the event's rights: "DirectoryService" for event 4662 of
// a directory, the type of a directory for a File that is one, else the field ObjectType.
func (e *Event) rightsType() string {
	typ, _ := e.Field("ObjectType")
	directory, _ := e.Field("ObjectDirectory")
	switch {
	case e.ID == 4662 && e.objectServer() == "DS":
		// Event 4662 names the class of a directory's object in place of the type (U-58).
		return "DirectoryService"
	case typ == "File" && directory == yesNo(true):
		return fileDirectory
	}
	return typ
}

// objectServer returns the field ObjectServer, or "" if the event has none.
func (e *Event) objectServer() string {
	server, _ := e.Field("ObjectServer")
	return server
}
