package access

import (
	"strconv"

	"github.com/refmon/refmon/winnt"
)

// ReasonKind says what decided a right: a kind of ACE, the owner, a privilege, a stage of the check. The zero value
// is no reason and is in no explanation.
type ReasonKind uint8

// Kinds of reasons.
const (
	_                 ReasonKind = iota
	AceAllow                     // entry Index of List allows it
	AceDeny                      // entry Index of List denies it; see Explanation.Skipped
	Owner                        // the owner's implicit rights
	Privilege                    // granted by Privilege, or refused without it; see Explanation.Skipped
	NullDacl                     // there is no DACL
	EmptyDacl                    // the DACL has no entries
	NoAce                        // no entry grants it
	IntegrityPolicy              // the label, entry Index of the SACL; -1 is the default label; see Explanation.Skipped
	TrustLabel                   // the trust label, entry Index of the SACL; see Explanation.Skipped
	AccessFilter                 // the access filter, entry Index of the SACL; see Explanation.Skipped
	RestrictedPass               // not granted to the restricting SIDs; Index is a deny entry or -1
	AppContainerPass             // not granted to the package; Index is a deny entry or -1
	CentralAccessRule            // not granted by rule Index, called Name
	KernelMode                   // nothing is checked
	PreviouslyGranted            // granted before
	NotAsked                     // the call was refused before any bit was looked at
)

// kindNames are part of the JSON format: a kind is renamed there or nowhere.
var kindNames = [...]string{
	AceAllow: "AceAllow", AceDeny: "AceDeny", Owner: "Owner", Privilege: "Privilege", NullDacl: "NullDacl",
	EmptyDacl: "EmptyDacl",
	NoAce:     "NoAce", IntegrityPolicy: "IntegrityPolicy", TrustLabel: "TrustLabel", AccessFilter: "AccessFilter",
	RestrictedPass: "RestrictedPass", AppContainerPass: "AppContainerPass", CentralAccessRule: "CentralAccessRule",
	KernelMode: "KernelMode", PreviouslyGranted: "PreviouslyGranted", NotAsked: "NotAsked",
}

// String returns the documented name of the kind.
func (k ReasonKind) String() string {
	if k == 0 || int(k) >= len(kindNames) {
		return "ReasonKind(" + strconv.Itoa(int(k)) + ")"
	}
	return kindNames[k]
}

// grants reports whether a reason of this kind explains a grant rather than a denial. Privilege can also stand for a
// denial: use BitReason.Granted.
func (k ReasonKind) grants() bool {
	switch k {
	case AceAllow, Owner, Privilege, NullDacl, KernelMode, PreviouslyGranted:
		return true
	}
	return false
}

// Reason is the reason why the check granted or denied one bit. The zero value
// is no reason.
type Reason struct {
	Kind      ReasonKind
	List      string // "DACL" or "SACL", "" without an entry
	Index     int    // of the entry in List, or of the rule; -1 for none
	Privilege winnt.Privilege
	Name      string // of the central access rule
}

// String returns the kind and the entry or privilege: "AceDeny DACL 0".
func (r Reason) String() string {
	s := r.Kind.String()
	switch r.Kind {
	case Privilege:
		return s + " " + r.Privilege.String()
	case CentralAccessRule:
		return s + " " + strconv.Itoa(r.Index) + " " + strconv.Quote(r.Name)
	}
	if r.List == "" || r.Index < 0 {
		return s
	}
	return s + " " + r.List + " " + strconv.Itoa(r.Index)
}

// BitReason says for one right of an explanation whether it was granted, and why. The request as a whole may still be
// denied because of another right.
type BitReason struct {
	Bit     winnt.AccessMask
	Granted bool
	Reason  Reason
}
