package fileaccess

import (
	"errors"
	"fmt"
	"strings"

	"github.com/refmon/refmon/winnt"
)

// NFS4Type is acetype4 of RFC 7530, section 6.2.1.1. The zero value allows.
type NFS4Type uint32

// Types of NFSv4 entries.
const (
	NFS4Allow NFS4Type = iota
	NFS4Deny
	NFS4Audit
	NFS4Alarm
)

const nfs4Types = "ADUL"

// NFS4Flags is aceflag4 of RFC 7530, section 6.2.1.4, with the inherited flag
// of RFC 5661. The zero value has no flag.
type NFS4Flags uint32

// Flags of NFSv4 entries.
const (
	NFS4FileInherit NFS4Flags = 1 << iota
	NFS4DirectoryInherit
	NFS4NoPropagate
	NFS4InheritOnly
	NFS4SuccessfulAccess
	NFS4FailedAccess
	NFS4IdentifierGroup // Who is a group name
	NFS4Inherited
)

const nfs4FlagLetters = "fdniSFgI"

// The special names of RFC 7530, section 6.2.1.5, that descriptors can express.
const (
	NFS4Owner    = "OWNER@"
	NFS4Group    = "GROUP@"
	NFS4Everyone = "EVERYONE@"
)

// NFS4ACE is one entry of an NFSv4 ACL. The zero value is invalid.
type NFS4ACE struct {
	Type  NFS4Type
	Flags NFS4Flags
	Who   string           // name@domain, a number, or a special name
	Mask  winnt.AccessMask // acemask4, whose bits have the same values as file rights
}

// nfs4Letters are the rights of acemask4 in the order the text has them. A
// directory's a and w are called the same.
var nfs4Letters = [...]struct {
	letter byte
	bit    winnt.AccessMask
}{
	{'r', winnt.FILE_READ_DATA}, {'w', winnt.FILE_WRITE_DATA}, {'a', winnt.FILE_APPEND_DATA}, {'d', winnt.DELETE},
	{'D', winnt.FILE_DELETE_CHILD}, {'x', winnt.FILE_EXECUTE}, {'t', winnt.FILE_READ_ATTRIBUTES}, {'T',
		winnt.FILE_WRITE_ATTRIBUTES},
	{'n', winnt.FILE_READ_EA}, {'N', winnt.FILE_WRITE_EA}, {'c', winnt.READ_CONTROL}, {'C', winnt.WRITE_DAC},
	{'o', winnt.WRITE_OWNER}, {'y', winnt.SYNCHRONIZE},
	// Letters for several rights, which the tools read but never write.
	{'R', winnt.FILE_GENERIC_READ}, {'W', winnt.FILE_GENERIC_WRITE}, {'X', winnt.FILE_GENERIC_EXECUTE},
}

// nfs4Plain is the number of letters in nfs4Letters that mean a single right.
const nfs4Plain = 14

// Maximum length of the text, and maximum number of entries, of an NFSv4 ACL.
const (
	MaxNFS4Text    = 1 << 20
	MaxNFS4Entries = 4096
)

// ErrNFS4ACL is the error that every refusal of an NFSv4 ACL wraps.
var ErrNFS4ACL = errors.New("invalid NFSv4 ACL")

// ParseNFS4 parses the text of nfs4_getfacl: entries type:flags:who:rights such
// as A:fdg:staff@example.org:rxtncy, separated by line feeds or commas. It
// skips empty lines and lines that begin with #. The error wraps [ErrNFS4ACL]
// and names the wrong entry. It also refuses more than MaxNFS4Text bytes or
// MaxNFS4Entries entries.
func ParseNFS4(text string) ([]NFS4ACE, error) {
	if len(text) > MaxNFS4Text {
		return nil, fmt.Errorf("%w: %d bytes of text, at most %d", ErrNFS4ACL, len(text), MaxNFS4Text)
	}
	var out []NFS4ACE
	for len(text) > 0 {
		line, rest, _ := strings.Cut(text, "\n")
		text = rest
		if strings.HasPrefix(strings.TrimSpace(line), "#") {
			continue
		}
		for item := range strings.SplitSeq(line, ",") {
			item = strings.TrimSpace(item)
			if item == "" {
				continue
			}
			a, err := parseNFS4(item)
			if err != nil {
				return nil, fmt.Errorf("%w: entry %d %q: %w", ErrNFS4ACL, len(out), item, err)
			}
			if out = append(out, a); len(out) > MaxNFS4Entries {
				return nil, fmt.Errorf("%w: more than %d entries", ErrNFS4ACL, MaxNFS4Entries)
			}
		}
	}
	return out, nil
}

// parseNFS4 parses one NFSv4 ACE of the form type:flags:who:rights. The type is one of the letters A, D, U and L.
// The name may contain colons. The flags and the rights may be empty. Missing colons, unknown letters, and an empty
// name or one with surrounding spaces are errors.
func parseNFS4(s string) (a NFS4ACE, err error) {
	typ, s, ok := strings.Cut(s, ":")
	flags, s, ok2 := strings.Cut(s, ":")
	last := strings.LastIndexByte(s, ':')
	if !ok || !ok2 || last < 0 {
		return a, errors.New("want type:flags:who:rights")
	}
	i := strings.Index(nfs4Types, typ)
	if len(typ) != 1 || i < 0 {
		return a, fmt.Errorf("type %q, want one of A, D, U, L", typ)
	}
	a.Type = NFS4Type(i)
	for i := range len(flags) {
		at := strings.IndexByte(nfs4FlagLetters, flags[i])
		if at < 0 {
			return a, fmt.Errorf("flag %q, want some of %s", flags[i:i+1], nfs4FlagLetters)
		}
		a.Flags |= 1 << at
	}
	if a.Who = s[:last]; a.Who == "" || a.Who != strings.TrimSpace(a.Who) {
		return a, fmt.Errorf("who %q", a.Who)
	}
	for _, c := range []byte(s[last+1:]) {
		bits, ok := nfs4Bits(c)
		if !ok {
			return a, fmt.Errorf("right %q", string(rune(c)))
		}
		a.Mask |= bits
	}
	return a, nil
}

// nfs4Bits returns the rights of a letter in the text of an NFSv4 ACL. The second result is false for an unknown one.
func nfs4Bits(letter byte) (winnt.AccessMask, bool) {
	for _, l := range nfs4Letters {
		if l.letter == letter {
			return l.bit, true
		}
	}
	return 0, false
}

// String returns the entry in the form that ParseNFS4 parses. It omits bits of
// Mask that acemask4 does not have. An unknown type prints as ?.
func (a NFS4ACE) String() string {
	var b strings.Builder
	if int(a.Type) < len(nfs4Types) {
		b.WriteByte(nfs4Types[a.Type])
	} else {
		b.WriteByte('?')
	}
	b.WriteByte(':')
	for i := range len(nfs4FlagLetters) {
		if a.Flags>>i&1 != 0 {
			b.WriteByte(nfs4FlagLetters[i])
		}
	}
	b.WriteString(":" + a.Who + ":")
	for _, l := range nfs4Letters[:nfs4Plain] {
		if a.Mask&l.bit != 0 {
			b.WriteByte(l.letter)
		}
	}
	return b.String()
}

// FormatNFS4 returns the text of a list, with one entry per line. The empty list is "".
func FormatNFS4(list []NFS4ACE) string {
	var b strings.Builder
	for _, a := range list {
		b.WriteString(a.String())
		b.WriteByte('\n')
	}
	return b.String()
}
