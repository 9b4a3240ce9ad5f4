package objects

import (
	"crypto/sha1" //nolint:gosec // Windows derives the SIDs of services with it
	"encoding/binary"
	"strings"
	"unicode/utf16"

	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/sid"
)

// Lookup returns the SID of an account by the name that a Windows tool printed, such as CORP\alice. ok is false for an
// unknown or ambiguous name.
type Lookup func(name string) (s sid.SID, ok bool)

// NewLookup returns the Lookup of a directory. It knows SIDs as text and well-known names in English, without a domain
// or with BUILTIN, NT AUTHORITY and the like (B-61). Other names need a domain. The directory does not tell its own
// (U-110), so the first domain with a known name is taken for it, and NewLookup calls assumed with it. A name of a
// further domain is known if d has an account with that whole name, such as OTHER\bob. d and assumed may be nil. The
// Lookup is not safe for concurrent use. An unqualified name is known only if it is well-known and has no domain. SIDs
// of services are made from NT SERVICE\name.
func NewLookup(d *directory.Directory, assumed func(domain string)) Lookup {
	taken := ""
	return func(name string) (sid.SID, bool) {
		if s, err := sid.Parse(name); err == nil {
			return s, true
		}
		domain, short, qualified := strings.Cut(name, `\`)
		switch a, ok := logon.WellKnownName(name); {
		case ok && (qualified || a.Domain == ""):
			return a.SID, true
		case !qualified: // Windows prints the domain of every other account
			return sid.SID{}, false
		case strings.EqualFold(domain, "NT SERVICE") && short != "":
			return serviceSID(short), true
		}
		if _, ours := logon.WellKnownName(domain); ours || d == nil {
			return sid.SID{}, false // such as BUILTIN\Administratoren: no account of the directory (B-61)
		}
		if s, ok := lookUpAccount(d, name); ok {
			return s, true
		}
		if taken != "" && !strings.EqualFold(domain, taken) {
			return sid.SID{}, false // an account of another domain or computer, whose name is the same (B-61)
		}
		s, ok := lookUpAccount(d, short)
		if ok && taken == "" {
			taken = domain
			if assumed != nil {
				assumed(domain)
			}
		}
		return s, ok
	}
}

// lookUpAccount returns the SID of a user or group of the directory, or of a group that each domain has. ok is false
// for an unknown or ambiguous name. A name of a user and a group returns the user's SID and false, and so does one that
// differs in case alone from those of several users.
func lookUpAccount(d *directory.Directory, name string) (sid.SID, bool) {
	groups := d.Group(name)
	if p, several := d.Named(name); p != nil {
		return p.SID(), len(groups) == 0 && !several
	}
	if len(groups) > 0 {
		return groups[0], len(groups) == 1
	}
	if d.Domain.IsZero() {
		return sid.SID{}, false
	}
	for _, alias := range [...]string{"DA", "DU", "DG", "DC", "DD", "PA", "CA", "LA", "LG"} {
		if s, err := sid.ParseAlias(alias, d.Domain); err == nil && strings.EqualFold(sid.Name(s), name) {
			return s, true
		}
	}
	return sid.SID{}, false
}

// serviceSID returns the SID of a Windows service: S-1-5-80 and the SHA-1 of its name in upper case (sc showsid).
func serviceSID(name string) sid.SID {
	var text []byte
	for _, u := range utf16.Encode([]rune(strings.ToUpper(name))) {
		text = binary.LittleEndian.AppendUint16(text, u)
	}
	sum := sha1.Sum(text) //nolint:gosec // see the import
	subs := []uint32{80}
	for at := 0; at < len(sum); at += 4 {
		subs = append(subs, binary.LittleEndian.Uint32(sum[at:]))
	}
	s, _ := sid.New(5, subs...)
	return s
}

// UseNames sets the Lookup for the names that the text of a source has in place of SIDs. Sources without names ignore
// it. Call it before the first Next.
func UseNames(s Source, f Lookup) {
	if s, named := s.(interface{ UseNames(Lookup) }); named {
		s.UseNames(f)
	}
}

// Loss describes what the format of a source cannot express about a descriptor, such as audit entries. It returns ""
// for a complete format.
func Loss(s Source) string {
	if s, lossy := s.(interface{ Loss() string }); lossy {
		return s.Loss()
	}
	return ""
}
