package audit

import (
	"math/bits"
	"strings"

	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// Reason says why some rights of an access were granted or refused, in the form of the event field AccessReason.
type Reason struct {
	Bits  winnt.AccessMask
	Code  uint16 // message code such as 1801, "Granted by"
	Entry string // SDDL of the deciding entry with its list, such as "D:(A;;FA;;;WD)"; "" if none decided
	// Name is the privilege for codes 1801 and 1810, or the central access rule
	// for 1813 and 1814, else "".
	Name string
}

// accessLines returns the rights of a mask in AccessList order, each with its access reason. A right that reasons
// does not cover has an unknown reason. The lines have no reasons if the list reasons is empty, or if records of the
// object type never have reasons.
func accessLines(objectType string, mask winnt.AccessMask, reasons []Reason) []accessLine {
	lines := make([]accessLine, 0, bits.OnesCount32(uint32(mask)))
	for right := range Rights(objectType, mask) {
		line := accessLine{Right: right}
		if hasReasons(objectType) && len(reasons) > 0 {
			line.explain(reasons)
		}
		lines = append(lines, line)
	}
	return lines
}

// explain sets the line's reason to the first of reasons that covers its right. Without one the reason is unknown.
// The SDDL of an ACE that is too long is replaced by the message code that says so.
func (l *accessLine) explain(reasons []Reason) {
	l.reason = reasonUnknown
	for i := range reasons {
		r := &reasons[i]
		if r.Bits&l.Bit == 0 {
			continue
		}
		l.reason, l.ace, l.name = r.Code, r.Entry, r.Name
		if len(l.ace) > sddlLimit {
			l.ace = message(reasonACETooLong)
		}
		return
	}
}

// hasReasons reports whether events about objects of the type have the field AccessReason: only files and keys do.
func hasReasons(typ string) bool { return typ == "File" || typ == fileDirectory || typ == "Key" }

// codes returns the items of AccessList: the message code of each right, in order.
func codes(lines []accessLine) []string {
	out := make([]string, len(lines))
	for i := range lines {
		out[i] = message(lines[i].Code)
	}
	return out
}

// reasonTexts returns the items of AccessReason, one for each right whose reason is known: "%%right:", a tab,
// "%%reason", then a tab and the ACE or privilege. The name of a central access rule follows its code without a tab.
func reasonTexts(lines []accessLine) []string {
	out := make([]string, 0, len(lines))
	for i := range lines {
		l := &lines[i]
		if l.reason == 0 {
			continue
		}
		tab, more := "\t", l.ace
		switch {
		case l.ace != "":
		case l.name == "":
			tab = ""
		case l.reason == reasonByCentralRule || l.reason == reasonNotByCentralRule:
			tab, more = "", l.name
		default:
			more = l.name
		}
		out = append(out, message(l.Code)+":\t"+message(l.reason)+tab+more)
	}
	return out
}

// descriptorText returns the parts of a security descriptor that parts selects, as SDDL for an event field. It returns
// "-" if there are no such parts, and a message code if the text is too long.
func descriptorText(descriptor *sd.Descriptor, parts uint32) string {
	if descriptor == nil || parts == 0 { // test 0 here, because sddl.Options.Info 0 means all parts
		return absent
	}
	text, err := sddl.Format(descriptor, sddl.Options{Info: parts, Extended: true})
	switch {
	case err != nil || text == "":
		return absent
	case len(text) > sddlLimit:
		return message(reasonDescriptorTooLong)
	}
	return text
}

// noEntries shows a part of a SACL that has no entries.
const noEntries = "S:AI"

// resourceAttributes returns the event field ResourceAttributes: the SDDL of a file's resource attribute ACEs (U-57).
// It returns "S:AI" without any, and "-" for types without resource attributes. If the text is too long, it returns a
// message code.
func resourceAttributes(objectType string, descriptor *sd.Descriptor) string {
	if objectType != "File" {
		return absent
	}
	var b strings.Builder
	b.WriteString(noEntries)
	for _, a := range descriptor.SACL().All() {
		if a.Type() != sd.SystemResourceAttribute {
			continue
		}
		text, err := sddl.FormatACE(a, sddl.Options{Extended: true})
		if err != nil || b.Len()+len(text) > sddlLimit {
			return message(reasonDescriptorTooLong)
		}
		b.WriteString(text)
	}
	return b.String()
}
