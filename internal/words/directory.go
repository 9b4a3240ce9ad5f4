package words

import (
	"errors"
	"fmt"
	"strings"

	"github.com/refmon/refmon/adrights"
	"github.com/refmon/refmon/winnt"
)

// Bits of rights on directory objects.
const (
	createChild  = winnt.ADS_RIGHT_DS_CREATE_CHILD
	self         = winnt.ADS_RIGHT_DS_SELF
	readProp     = winnt.ADS_RIGHT_DS_READ_PROP
	writeProp    = winnt.ADS_RIGHT_DS_WRITE_PROP
	extended     = winnt.ADS_RIGHT_DS_CONTROL_ACCESS
	everything   = winnt.AccessMask(0xF01FF) // GENERIC_ALL as a directory maps it
	genericWrite = winnt.READ_CONTROL | writeProp | self
	genericRead  = winnt.READ_CONTROL | winnt.ADS_RIGHT_ACTRL_DS_LIST | readProp | winnt.ADS_RIGHT_DS_LIST_OBJECT
)

// directory is a named right on objects of Active Directory, such as ResetPassword, with its mask and object types.
type directory struct {
	name string
	mask winnt.AccessMask
	// on names what each part is about; none: the whole object.
	on []string
	// own says why the word needs a GUID of the user's own; "": it does not.
	own string
	// managed says that another descriptor than the object's decides.
	managed bool
}

// forestsOwn is why some words need a GUID.
const forestsOwn = "its attributes have GUIDs of each forest's own: write ReadLAPSPassword:GUID " +
	"with the schemaIDGUID of ms-Mcs-AdmPwd, msLAPS-Password or msLAPS-EncryptedPassword"

// directoryWords are the words that auditors use, with the masks and types that
// Microsoft's pages and the pages of the tools give them.
var directoryWords = []directory{
	{name: "GenericAll", mask: everything},
	{name: "GenericRead", mask: genericRead},
	{name: "GenericWrite", mask: genericWrite},
	{name: "AllExtendedRights", mask: extended},
	{name: "ExtendedRight", mask: extended},
	{name: "Self", mask: self},
	{name: "ReadProperty", mask: readProp},
	{name: "WriteProperty", mask: writeProp},
	{name: "CreateChild", mask: createChild},
	{name: "DeleteChild", mask: winnt.ADS_RIGHT_DS_DELETE_CHILD},
	{name: "WriteDacl", mask: winnt.WRITE_DAC},
	{name: "WriteOwner", mask: winnt.WRITE_OWNER},
	{name: "AddMember", mask: writeProp, on: []string{"member"}},
	{name: "AddSelf", mask: self, on: []string{"member"}},
	{name: "ForceChangePassword", mask: extended, on: []string{"User-Force-Change-Password"}},
	{name: "ResetPassword", mask: extended, on: []string{"User-Force-Change-Password"}},
	{name: "GetChanges", mask: extended, on: []string{"DS-Replication-Get-Changes"}},
	{name: "GetChangesAll", mask: extended, on: []string{"DS-Replication-Get-Changes-All"}},
	{name: "GetChangesInFilteredSet", mask: extended, on: []string{"DS-Replication-Get-Changes-In-Filtered-Set"}},
	{name: "DCSync", mask: extended, on: []string{"DS-Replication-Get-Changes", "DS-Replication-Get-Changes-All"}},
	{name: "SyncLAPSPassword", mask: extended, on: []string{
		"DS-Replication-Get-Changes", "DS-Replication-Get-Changes-In-Filtered-Set",
	}},
	{name: "WriteSPN", mask: writeProp, on: []string{"servicePrincipalName"}},
	{name: "AddKeyCredentialLink", mask: writeProp, on: []string{"msDS-KeyCredentialLink"}},
	{name: "AddAllowedToAct", mask: writeProp, on: []string{"msDS-AllowedToActOnBehalfOfOtherIdentity"}},
	{name: "WriteAccountRestrictions", mask: writeProp, on: []string{"User-Account-Restrictions"}},
	{name: "WritePublicInformation", mask: writeProp, on: []string{"Public-Information"}},
	{name: "WriteAltSecurityIdentities", mask: writeProp, on: []string{"altSecurityIdentities"}},
	{name: "WriteGPLink", mask: writeProp, on: []string{"gPLink"}},
	{name: "Enroll", mask: extended, on: []string{"Certificate-Enrollment"}},
	{name: "ReadLAPSPassword", mask: readProp | extended, own: forestsOwn},
	{name: "ReadGMSAPassword", mask: readProp, managed: true},
}

// directoryWord finds a word, in any case, and with hyphens or blanks between its parts: reset-password (B-81).
func directoryWord(name string) (directory, bool) {
	name = strings.NewReplacer("-", "", " ", "").Replace(name)
	for _, w := range directoryWords {
		if strings.EqualFold(w.name, name) {
			return w, true
		}
	}
	return directory{}, false
}

// plain reports whether a word has nothing but a mask, and so can name a bit of any mask. If two words have one mask,
// only one of them is plain.
func (w directory) plain() bool {
	return len(w.on) == 0 && w.own == "" && !w.managed && w.name != "ExtendedRight"
}

// Directory returns the names that administrators use for the rights of an access mask on an Active Directory object,
// such as ReadProperty or WriteDacl. These are GenericAll alone, or the names of its parts that the mask has,
// followed by the names of the other bits (B-118). It is nil for an empty mask.
func Directory(m winnt.AccessMask) (names []string) {
	rest := m
	for _, w := range directoryWords {
		if !w.plain() || m&w.mask != w.mask {
			continue
		}
		switch w.name {
		case "GenericAll":
			return append([]string{w.name}, bits(m&^w.mask, winnt.DirectoryServiceObject)...)
		case "GenericRead", "GenericWrite": // the loop adds the words of their parts instead
			continue
		}
		names = append(names, w.name)
		rest &^= w.mask
	}
	return append(names, bits(rest, winnt.DirectoryServiceObject)...)
}

// directoryNames returns the names of directoryWords, in their order.
func directoryNames() []string {
	names := make([]string, 0, len(directoryWords))
	for _, w := range directoryWords {
		names = append(names, w.name)
	}
	return names
}

// right returns the right that a directory word stands for. text is the user's text, and chain the object type in it,
// nil for none. Name is text if there is a type. A word that needs a type but has none is an error. A type for a word
// that includes its type is also an error.
func (w directory) right(text string, chain []winnt.GUID) (Right, error) {
	r := Right{Name: w.name, managed: w.managed}
	switch {
	case w.own != "" && chain == nil:
		return r, fmt.Errorf("rights %q: %s", text, w.own)
	case (len(w.on) > 0 || w.managed) && chain != nil:
		return r, fmt.Errorf("rights %q: this word already includes its object type", text)
	case len(w.on) == 0:
		if chain != nil {
			r.Name = text
		}
		r.parts = []Part{{w.mask, chain}}
		return r, nil
	}
	for _, name := range w.on {
		chain, err := Chain(name)
		if err != nil {
			return r, err
		}
		r.parts = append(r.parts, Part{w.mask, chain})
	}
	return r, nil
}

// ErrNoType says that a text names no object type.
var ErrNoType = errors.New("it is neither a GUID nor the name of a right, property set, class or attribute")

// Chain returns the object types for a name or GUID, from the root of the object downwards: the object itself, as the
// zero GUID; the property set of an attribute; the named type. A class is the root itself. An unknown name gives
// ErrNoType. Names match in any case; braces around a GUID are dropped.
func Chain(name string) ([]winnt.GUID, error) {
	e, ok := adrights.Find(name)
	if !ok {
		g, err := winnt.ParseGUID(strings.Trim(name, "{}"))
		if err != nil {
			return nil, fmt.Errorf("object type %q: %w", name, ErrNoType)
		}
		e = adrights.Entry{GUID: g, Kind: adrights.ExtendedRight}
		for _, known := range adrights.ByGUID(g) {
			if known.Set != (winnt.GUID{}) || known.Kind == adrights.Class {
				e = known
			}
		}
	}
	var root winnt.GUID
	switch {
	case e.Kind == adrights.Class:
		return []winnt.GUID{e.GUID}, nil
	case e.Set != root && e.Set != e.GUID:
		return []winnt.GUID{root, e.Set, e.GUID}, nil
	}
	return []winnt.GUID{root, e.GUID}, nil
}
