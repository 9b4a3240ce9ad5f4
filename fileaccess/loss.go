package fileaccess

import (
	"strconv"

	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// LossKind names what a conversion between kinds of permissions could not say.
// The zero value is nothing.
type LossKind uint8

// Kinds of losses. "Foreign" is the other side: POSIX or NFSv4.
const (
	LossSpecialBits LossKind = iota + 1 // set-user-id, set-group-id and sticky bits: no descriptor says them
	// rights of several matching groups add up in a descriptor; POSIX wants one entry with all of them
	LossGroupUnion
	LossMask // the mask is applied to each entry and no longer separate
	// writing to a directory that may not be searched: worth nothing, and dropped
	LossWriteWithoutSearch
	// what a new object inherits is no longer cut down by the mode it is made with
	LossCreateMode
	// the id or name has no SID: its entry is dropped, a denial counts for everybody
	LossUnknownName
	// the SID has no foreign name: its grant is dropped, a denial counts for everybody
	LossUnknownSID
	// Bits are granted and have no foreign permission, or not all that one needs
	LossRights
	LossDenial // a denial for a group is taken to hold for everybody who might be in it
	// an entry of another type than allow and deny: a grant is dropped, a denial holds
	LossEntryType
	// inheritance that differs for files and directories, or stops after one level
	LossInheritance
	LossSACL       // the SACL: audit, label, attributes, policy
	LossOwnerFixed // OWNER@ and GROUP@ became SIDs and do not follow a change of owner
)

var lossNames = [...]string{
	LossSpecialBits: "special bits", LossGroupUnion: "rights of groups add up", LossMask: "mask folded into the entries",
	LossWriteWithoutSearch: "directory writable but not searchable", LossCreateMode: "mode at creation",
	LossUnknownName: "name without SID",
	LossUnknownSID:  "SID without name", LossRights: "rights without permission",
	LossDenial:    "denial of a group held against everybody",
	LossEntryType: "type of entry", LossInheritance: "inheritance", LossSACL: "SACL",
	LossOwnerFixed: "owner and group fixed",
}

// String returns a short English phrase.
func (k LossKind) String() string {
	if int(k) < len(lossNames) && lossNames[k] != "" {
		return lossNames[k]
	}
	return "LossKind(" + strconv.Itoa(int(k)) + ")"
}

// Loss is one thing a conversion could not say. The zero value is nothing.
type Loss struct {
	Kind LossKind
	SID  sid.SID          // whom it concerns; zero: the whole
	Name string           // the foreign name or id, where that is known
	Bits winnt.AccessMask // the rights concerned; 0: not about rights
}

// String prints the kind and what it concerns.
func (l Loss) String() string {
	s := l.Kind.String()
	switch {
	case l.Name != "":
		s += ": " + l.Name
	case !l.SID.IsZero():
		s += ": " + l.SID.String()
	}
	if l.Bits != 0 {
		s += " " + l.Bits.String()
	}
	return s
}

// losses collects losses, each once.
type losses []Loss

func (l *losses) add(x Loss) {
	for _, y := range *l {
		if x == y {
			return
		}
	}
	*l = append(*l, x)
}
