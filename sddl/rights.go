package sddl

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/refmon/refmon/winnt"
)

// right is a two-letter name, such as GA, and the access mask that it stands for.
type right struct {
	name string
	mask winnt.AccessMask
}

// letters are the rights of one bit, in the order they are printed (S-39).
var letters = []right{
	{"CC", 0x1}, {"DC", 0x2}, {"LC", 0x4}, {"SW", 0x8}, {"RP", 0x10}, {"WP", 0x20}, {"DT", 0x40}, {"LO", 0x80},
	{"CR", 0x100},
	{"SD", winnt.DELETE}, {"RC", winnt.READ_CONTROL}, {"WD", winnt.WRITE_DAC}, {"WO", winnt.WRITE_OWNER},
	{"GA", winnt.GENERIC_ALL}, {"GX", winnt.GENERIC_EXECUTE}, {"GW", winnt.GENERIC_WRITE}, {"GR", winnt.GENERIC_READ},
}

// whole are the rights that cover a whole mask. KX comes after KR, whose mask is equal, so it is never printed.
var whole = []right{
	{"FA", winnt.FILE_ALL_ACCESS}, {"FR", winnt.FILE_GENERIC_READ}, {"FW", winnt.FILE_GENERIC_WRITE},
	{"FX", winnt.FILE_GENERIC_EXECUTE},
	{"KA", winnt.KEY_ALL_ACCESS}, {"KR", winnt.KEY_READ}, {"KW", winnt.KEY_WRITE}, {"KX", winnt.KEY_EXECUTE},
}

// label are the policy bits of a mandatory label.
var label = []right{
	{"NW", winnt.SYSTEM_MANDATORY_LABEL_NO_WRITE_UP}, {"NR", winnt.SYSTEM_MANDATORY_LABEL_NO_READ_UP},
	{"NX", winnt.SYSTEM_MANDATORY_LABEL_NO_EXECUTE_UP},
}

// findRight returns the access mask of a two-letter name such as GA. It ignores case unless strict. The second result
// is false for an unknown name.
func findRight(name string, strict bool) (winnt.AccessMask, bool) {
	for _, t := range [...][]right{letters, whole, label} {
		for _, r := range t {
			if r.name == name || !strict && strings.EqualFold(r.name, name) {
				return r.mask, true
			}
		}
	}
	return 0, false
}

// scanRights parses the rights field of an ACE: names and numbers in any order, which are combined (S-41). Blanks may
// precede a name, but not follow the last name or touch a number. The strict parser accepts names or one number. On
// an error it returns the offset and the expected text.
func scanRights(field string, strict bool) (mask winnt.AccessMask, offset int, expected string) {
	for i := 0; i < len(field); {
		var v winnt.AccessMask
		var n int
		if startsNumber(field[i:]) {
			v, n, expected = scanNumber(field[i:], strict)
			if expected == "" && strict && n != len(field) {
				n, expected = 0, "rights or one number, not both"
			}
		} else {
			v, n, expected = scanRight(field[i:], strict)
		}
		if expected != "" {
			return 0, i + n, expected
		}
		mask |= v // Rights add up, whether they are names or numbers (S-38).
		i += n
	}
	return mask, 0, ""
}

// startsNumber reports whether s begins like a number. It must not be empty.
func startsNumber(s string) bool { return s[0] == '-' || '0' <= s[0] && s[0] <= '9' }

// scanRight parses a two-letter name such as GA, and the blanks before it. n is the length of both, or the offset of
// an error. expected is the text that should be there, "" without an error.
func scanRight(field string, strict bool) (mask winnt.AccessMask, n int, expected string) {
	for n < len(field) && field[n] == ' ' && !strict {
		n++
	}
	if n+2 > len(field) {
		return 0, n, "a two-letter right such as GA"
	}
	mask, ok := findRight(field[n:n+2], strict)
	if !ok {
		return 0, n, "a two-letter right such as GA, or a number"
	}
	return mask, n + 2, ""
}

// scanNumber parses an access mask in hexadecimal, octal or decimal. A minus sign negates it (S-38). A number above
// 32 bits becomes 0xffffffff. The strict parser rejects both. n is the length of the number, or the offset of an
// error. On an error, expected describes the correct text.
func scanNumber(field string, strict bool) (mask winnt.AccessMask, n int, expected string) {
	digits := strings.TrimPrefix(field, "-")
	negative := digits != field
	if negative && strict {
		return 0, 0, "a mask without a sign"
	}
	base, at := numberBase(digits)
	at += len(field) - len(digits)
	var v uint64
	for n = at; n < len(field) && digitValue(field[n]) < base; n++ {
		v = v*base + digitValue(field[n])
		if v > 0xFFFFFFFF {
			if strict {
				return 0, 0, "a mask of at most 32 bits"
			}
			v = 0xFFFFFFFF
		}
	}
	if n == at || n < len(field) && (field[n] == ' ' || startsNumber(field[n:])) {
		return 0, n, "a digit, a two-letter right, or ';'"
	}
	if negative {
		v = -v
	}
	return winnt.AccessMask(uint32(v)), n, ""
}

// numberBase returns the base of a number (16 after 0x, 8 after a 0 that a digit follows, else 10) and the length of
// its prefix.
func numberBase(digits string) (base uint64, prefix int) {
	switch {
	case len(digits) > 2 && digits[0] == '0' && digits[1]|0x20 == 'x':
		return 16, 2
	case len(digits) > 1 && digits[0] == '0' && '0' <= digits[1] && digits[1] <= '9':
		return 8, 1
	}
	return 10, 0
}

// digitValue returns the value of a hexadecimal digit, 255 for any other byte.
func digitValue(c byte) uint64 {
	switch {
	case '0' <= c && c <= '9':
		return uint64(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return uint64(c|0x20-'a') + 10
	}
	return 255
}

// formatRights returns the rights field of an ACE (S-39). It is a name of the whole mask if there is one, else
// two-letter names, else a hexadecimal number. With isLabel it prefers the names of a mandatory label's policy. 0
// gives "".
func formatRights(mask winnt.AccessMask, isLabel bool) string {
	if mask == 0 {
		return ""
	}
	if isLabel {
		if s, ok := joinNames(mask, label); ok {
			return s
		}
	}
	for _, r := range whole {
		if r.mask == mask {
			return r.name
		}
	}
	if s, ok := joinNames(mask, letters); ok {
		return s
	}
	return "0x" + strconv.FormatUint(uint64(mask), 16)
}

// joinNames returns those of the names that together make up a mask. ok is false if they do not cover it.
func joinNames(mask winnt.AccessMask, names []right) (text string, ok bool) {
	var b strings.Builder
	for _, r := range names {
		if mask&r.mask != 0 {
			b.WriteString(r.name)
			mask &^= r.mask
		}
	}
	return b.String(), mask == 0
}

// FormatRights returns a mask in the form of an ACE's rights field (S-39). It
// is "" for 0, a name such as FA for its exact mask, then letters, else
// hexadecimal.
func FormatRights(m winnt.AccessMask) string { return formatRights(m, false) }

// ParseRights parses a mask typed by a user. Its parts are joined by '|', ',' or blanks. Each part is SDDL letters
// ("FR", "RCWD"), a number, or a documented name such as FILE_READ_DATA, in any case. ParseRights refuses numbers that
// do not fit, and empty text also between separators: a right that is left out would make a request easier to grant.
func ParseRights(text string) (winnt.AccessMask, error) {
	var m winnt.AccessMask
	parts, ok := splitRights(text)
	if !ok {
		return 0, fmt.Errorf("rights %q: want names or a number, such as FR|WD, 0x120089 or FILE_READ_DATA", text)
	}
	for _, part := range parts {
		v, ok := namedRights[strings.ToUpper(part)]
		if !ok {
			var want string
			if v, _, want = scanRights(strings.ToUpper(part), true); want != "" {
				if n, err := strconv.ParseUint(part, 0, 32); err == nil {
					v, want = winnt.AccessMask(n), ""
				}
			}
			if want != "" {
				return 0, fmt.Errorf("rights %q: %q is not a right; want %s or a documented name such as FILE_READ_DATA",
					text, part, want)
			}
		}
		m |= v
	}
	return m, nil
}

// splitRights splits a text in the form of [ParseRights] into its parts. ok is false if a separator has no part next to
// it.
func splitRights(text string) (parts []string, ok bool) {
	ok = true
	for list := range strings.SplitSeq(strings.ReplaceAll(text, ",", "|"), "|") {
		words := strings.Fields(list)
		ok = ok && len(words) > 0
		parts = append(parts, words...)
	}
	return parts, ok
}

// RightOfOtherType returns the first documented name in text that belongs to another type of object than t, as
// PROCESS_TERMINATE does for a file: its bit means something else on an object of type t. It returns "" if there is
// none, or if t has no named rights. text has the form of [ParseRights]. The word before the first "_" of a name
// identifies the type.
func RightOfOtherType(text string, t *winnt.ObjectType) string {
	if t == nil || len(t.Rights) == 0 {
		return ""
	}
	family := func(name string) string { word, _, _ := strings.Cut(name, "_"); return word }
	parts, _ := splitRights(strings.ToUpper(text))
	for _, part := range parts {
		if _, ok := namedRights[part]; !ok || family(part) == family(t.Rights[0].Name) {
			continue
		}
		for _, other := range rightTypes {
			if family(other.Rights[0].Name) == family(part) {
				return part
			}
		}
	}
	return ""
}

// RightNames returns the documented names that [ParseRights] accepts, sorted.
func RightNames() []string { return slices.Sorted(maps.Keys(namedRights)) }

// namedRights maps documented names to masks.
var namedRights = map[string]winnt.AccessMask{
	"MAXIMUM_ALLOWED": winnt.MAXIMUM_ALLOWED, "ACCESS_SYSTEM_SECURITY": winnt.ACCESS_SYSTEM_SECURITY,
	"FILE_ALL_ACCESS": winnt.FILE_ALL_ACCESS, "FILE_GENERIC_READ": winnt.FILE_GENERIC_READ,
	"FILE_GENERIC_WRITE": winnt.FILE_GENERIC_WRITE, "FILE_GENERIC_EXECUTE": winnt.FILE_GENERIC_EXECUTE,
	"KEY_ALL_ACCESS": winnt.KEY_ALL_ACCESS, "KEY_READ": winnt.KEY_READ, "KEY_WRITE": winnt.KEY_WRITE,
	"KEY_EXECUTE":      winnt.KEY_EXECUTE,
	"TOKEN_ALL_ACCESS": winnt.TOKEN_ALL_ACCESS, "TOKEN_READ": winnt.TOKEN_READ, "TOKEN_WRITE": winnt.TOKEN_WRITE,
	"TOKEN_EXECUTE":      winnt.TOKEN_EXECUTE,
	"PROCESS_ALL_ACCESS": winnt.PROCESS_ALL_ACCESS, "THREAD_ALL_ACCESS": winnt.THREAD_ALL_ACCESS,
	"JOB_OBJECT_ALL_ACCESS": winnt.JOB_OBJECT_ALL_ACCESS,
	"DIRECTORY_ALL_ACCESS":  winnt.DIRECTORY_ALL_ACCESS, "SYMBOLIC_LINK_ALL_ACCESS": winnt.SYMBOLIC_LINK_ALL_ACCESS,
	"EVENT_ALL_ACCESS": winnt.EVENT_ALL_ACCESS, "PORT_ALL_ACCESS": winnt.PORT_ALL_ACCESS,
	"MUTANT_ALL_ACCESS": winnt.MUTANT_ALL_ACCESS, "SEMAPHORE_ALL_ACCESS": winnt.SEMAPHORE_ALL_ACCESS,
	"TIMER_ALL_ACCESS":  winnt.TIMER_ALL_ACCESS,
	"POLICY_ALL_ACCESS": winnt.POLICY_ALL_ACCESS, "WINSTA_ALL_ACCESS": 0x37F,
	"STANDARD_RIGHTS_REQUIRED": winnt.STANDARD_RIGHTS_REQUIRED, "STANDARD_RIGHTS_ALL": winnt.STANDARD_RIGHTS_ALL,
}

// rightTypes lists the types whose rights have documented names.
var rightTypes = [...]*winnt.ObjectType{
	winnt.FileObject, winnt.DirectoryFileObject, winnt.KeyObject, winnt.TokenObject, winnt.ProcessObject,
	winnt.ThreadObject, winnt.JobObject,
	winnt.DirectoryObject, winnt.SymbolicLinkObject, winnt.EventObject, winnt.PortObject, winnt.DirectoryServiceObject,
	winnt.MutantObject, winnt.SemaphoreObject, winnt.TimerObject, winnt.SectionObject,
	winnt.PolicyObject, winnt.DesktopObject, winnt.WindowStationObject,
}

// init adds the names of all types' single rights to namedRights.
func init() {
	for _, t := range rightTypes {
		for bit := winnt.AccessMask(1); bit != 0; bit <<= 1 {
			if n := t.RightName(bit); !strings.HasPrefix(n, "0x") {
				namedRights[n] = bit
			}
		}
	}
}
