package sd

import (
	"errors"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// Rule names rights of one trustee on an object and its children. [ListEditor]
// adds rules to lists and removes them. The zero value is not a valid rule.
type Rule struct {
	Type Type // AccessAllowed or AccessDenied in a DACL, SystemAudit in a SACL
	// Flags are ObjectInherit, ContainerInherit, NoPropagateInherit and InheritOnly.
	// In a SACL, SuccessfulAccess and FailedAccess say what is audited. Without
	// ObjectInherit and ContainerInherit, the other two inheritance flags mean
	// nothing, and methods that remove rules ignore them. Other flags are an error.
	Flags   uint8
	Mask    winnt.AccessMask // not 0
	Trustee sid.SID          // not zero
}

// Errors of [ListEditor].
var (
	// ErrNoList says that a list is nil. A NULL DACL grants everybody everything,
	// so adding an entry to it would take rights away.
	ErrNoList = errors.New("cannot edit a nil list: a NULL DACL grants everybody everything")
	// ErrNotCanonical says that a list is not in canonical order, or has an entry
	// that is neither an allow nor a deny entry (in a SACL: no audit entry).
	ErrNotCanonical = errors.New("the list is not in canonical order, or has entries of other types")
	// ErrInexpressible says that no flags describe the objects for which the rights
	// would remain.
	ErrInexpressible = errors.New("no inheritance flags say what would remain of an entry")
)

const (
	inheritFlags = ObjectInherit | ContainerInherit | NoPropagateInherit | InheritOnly
	auditFlags   = SuccessfulAccess | FailedAccess
)

// checkRule validates a rule for this kind of list. It returns the rule without inheritance flags that mean nothing,
// or an error. Flags that mean nothing are an error if isAdding is true. They are removed if it is false.
func (e ListEditor) checkRule(rule Rule, isAdding bool) (Rule, error) {
	switch {
	case e.System && rule.Type != SystemAudit, !e.System && rule.Type != AccessAllowed && rule.Type != AccessDenied:
		return rule, buildError(ntstatus.InvalidParameter, "a rule of this list cannot have the type %s", rule.Type)
	case rule.Trustee.IsZero():
		return rule, errNoTrustee()
	case rule.Mask == 0:
		return rule, buildError(ntstatus.InvalidParameter, "a rule needs rights")
	case e.System && rule.Flags&auditFlags == 0:
		return rule, buildError(ntstatus.InvalidParameter, "an audit rule needs success or failure")
	case !e.System && rule.Flags&auditFlags != 0 || rule.Flags&^(inheritFlags|auditFlags) != 0:
		return rule, buildError(ntstatus.InvalidParameter, "a rule of this list cannot have the flags 0x%02x", rule.Flags)
	}
	inherits := rule.Flags&(ObjectInherit|ContainerInherit) != 0
	switch {
	case isAdding && inherits && !e.Container:
		return rule, buildError(ntstatus.InvalidParameter, "only a container has children that inherit")
	case isAdding && !inherits && rule.Flags&inheritFlags != 0:
		return rule, buildError(ntstatus.InvalidParameter, "NP and IO need OI or CI")
	case !inherits:
		rule.Flags &^= inheritFlags
	}
	return rule, nil
}

// errNoTrustee returns the error for the zero SID as a trustee.
func errNoTrustee() error { return buildError(ntstatus.InvalidSID, "a rule needs a SID") }

// places is the set of objects on which an ACE of a container takes effect: the container itself, its children,
// deeper descendants.
type places uint8

const (
	onSelf places = 1 << iota
	onFolders
	onDeeperFolders
	onFiles
	onDeeperFiles
)

// placesOf returns the objects on which an ACE of a container takes effect, by its inheritance flags.
func placesOf(flags uint8) (p places) {
	if flags&InheritOnly == 0 {
		p |= onSelf
	}
	if flags&ContainerInherit != 0 {
		p |= onFolders | onDeeperFolders
	}
	if flags&ObjectInherit != 0 {
		p |= onFiles | onDeeperFiles
	}
	if flags&NoPropagateInherit != 0 {
		p &^= onDeeperFolders | onDeeperFiles
	}
	return p
}

// flagsOf returns the inheritance flags of an ACE that takes effect on exactly these objects. It is the inverse of
// placesOf. ok is false if there are no such flags, as for the empty set (S-85).
func flagsOf(objects places) (flags uint8, ok bool) {
	for flags = range inheritFlags + 1 {
		if flags&(ObjectInherit|ContainerInherit) == 0 && flags != 0 {
			continue
		}
		if placesOf(flags) == objects {
			return flags, true
		}
	}
	return 0, false
}
