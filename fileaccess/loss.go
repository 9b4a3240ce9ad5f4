package fileaccess

import (
	"strconv"

	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// LossKind is a kind of permission data that a conversion could not express.
// The zero value is not a loss.
type LossKind uint8

// Kinds of losses. "Foreign" is the other side: POSIX or NFSv4.
const (
	LossSpecialBits LossKind = iota + 1 // set-user-id, set-group-id and sticky bits: no descriptor says them
	// the rights of several matching groups add up in a descriptor, while POSIX requires one entry
	// with all of them
	LossGroupUnion
	LossMask // the mask is applied to each entry and no longer separate
	// the right to write to a directory without the right to search it, which has
	// no effect and is dropped
	LossWriteWithoutSearch
	// the creation mode no longer limits what a new object inherits
	LossCreateMode
	// the id or name has no SID: an allow entry is dropped, and a deny entry applies
	// to everybody
	LossUnknownName
	// the SID has no foreign name: an allow entry is dropped, and a deny entry applies
	// to everybody
	LossUnknownSID
	// granted Bits have no foreign permission, or not all rights of one are
	// granted
	LossRights
	LossDenial // a denial is taken to hold for everybody who might be in its group, or for any creator of a file
	// an entry of a type other than allow and deny: a grant is dropped, and a denial
	// applies
	LossEntryType
	// inheritance that differs for files and directories, or stops after one level
	LossInheritance
	LossSACL       // the SACL: audit, label, attributes, policy
	LossOwnerFixed // OWNER@ and GROUP@ became SIDs and do not follow a change of owner
	// a directory that the group or others may not search no longer protects the files below it, where
	// a holder of SeChangeNotifyPrivilege passes every directory (F-23)
	LossTraverse
)

var lossNames = [...]string{
	LossSpecialBits: "special bits", LossGroupUnion: "rights of groups add up", LossMask: "mask folded into the entries",
	LossWriteWithoutSearch: "directory writable but not searchable", LossCreateMode: "mode at creation",
	LossUnknownName: "name without SID",
	LossUnknownSID:  "SID without name", LossRights: "rights without permission",
	LossDenial:    "denial applied to everybody whom it might concern",
	LossEntryType: "type of entry", LossInheritance: "inheritance", LossSACL: "SACL",
	LossOwnerFixed: "owner and group fixed", LossTraverse: "closed directory, which needs traverse: always",
}

// String returns a short English phrase. An unknown kind is given by its number.
func (k LossKind) String() string {
	if int(k) < len(lossNames) && lossNames[k] != "" {
		return lossNames[k]
	}
	return "LossKind(" + strconv.Itoa(int(k)) + ")"
}

// Loss is one piece of data that a conversion could not express. The zero value
// is not a loss.
type Loss struct {
	Kind LossKind
	SID  sid.SID          // whom it concerns; zero: the whole
	Name string           // the foreign name or id, where that is known
	Bits winnt.AccessMask // the rights concerned; 0: not about rights
}

// String returns the kind, and the bits, name or entry that it concerns.
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

// add appends a loss, once.
func (l *losses) add(x Loss) {
	for _, y := range *l {
		if x == y {
			return
		}
	}
	*l = append(*l, x)
}
