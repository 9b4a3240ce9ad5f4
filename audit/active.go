package audit

import "sync/atomic"

// Active holds the audit policy in force. In the zero value this is [DefaultPolicy]. It must not be copied.
//
// To learn whether anything is recorded, call [Active.Opens] or [Active.On]: each is one atomic load. A reader that
// sees the old values while a policy is being stored is ordered before the store.
type Active struct {
	policy atomic.Pointer[Policy] // nil means defaultPolicy
	// on holds Policy.anyone, exclusive-or the default's, so that the zero
	// value is right.
	on [2]atomic.Uint64
	// opens is not 0 when an open of some object can have a record.
	opens atomic.Uint64
}

// openWord are the subcategories that an open of an object is recorded under.
const openWord = 1<<(FileSystem-firstSubcategory) | 1<<(Registry-firstSubcategory) |
	1<<(KernelObject-firstSubcategory) |
	1<<(SAM-firstSubcategory) | 1<<(RemovableStorage-firstSubcategory) | 1<<(DirectoryServiceAccess-firstSubcategory) |
	1<<(SensitivePrivilegeUse-firstSubcategory) | 1<<(NonSensitivePrivilegeUse-firstSubcategory)

// Load returns the policy in force, never nil.
func (a *Active) Load() *Policy {
	if p := a.policy.Load(); p != nil {
		return p
	}
	return defaultPolicy
}

// Store puts a policy in force. nil means the default policy.
func (a *Active) Store(p *Policy) {
	a.policy.Store(p)
	a.updateMasks()
}

// CompareAndSwap puts next in force if old is still in force, and reports
// whether it did. old must be a result of [Active.Load].
func (a *Active) CompareAndSwap(old, next *Policy) bool {
	if !a.policy.CompareAndSwap(old, next) {
		if old != defaultPolicy || !a.policy.CompareAndSwap(nil, next) {
			return false
		}
	}
	a.updateMasks()
	return true
}

// FailsClosed reports whether an operation fails if a required record cannot be kept.
func (a *Active) FailsClosed() bool { return a.Load().options.CrashOnAuditFail != ProceedOnAuditFail }

// failed records in the policy that an audit record was lost: it switches a policy with FailOnAuditFail to
// AuditFailed. It leaves other policies unchanged.
func (a *Active) failed() {
	for {
		p := a.Load()
		if p.options.CrashOnAuditFail != FailOnAuditFail {
			return
		}
		next := *p
		next.options.CrashOnAuditFail = AuditFailed
		if a.CompareAndSwap(p, &next) {
			return
		}
	}
}

// updateMasks computes the bit masks that On and Opens load from the policy in force. It repeats this if another
// goroutine stores a policy in the meantime.
func (a *Active) updateMasks() {
	for {
		raw := a.policy.Load()
		p := raw
		if p == nil {
			p = defaultPolicy
		}
		for o := range a.on {
			a.on[o].Store(p.anyone[o] ^ defaultPolicy.anyone[o])
		}
		a.opens.Store((p.anyone[Success] | p.anyone[Failure]) & openWord)
		if a.policy.Load() == raw {
			return
		}
	}
}

// Opens reports whether any open of an object can cause a record. The open path
// calls it first. It is one atomic load.
func (a *Active) Opens() bool { return a.opens.Load() != 0 }

// On reports whether the policy in force records the outcome for at least one account. subcategory must be one of the
// named ones. It is one atomic load. [Policy.Records] decides for one account.
func (a *Active) On(subcategory Subcategory, outcome Outcome) bool {
	return (a.on[outcome&1].Load()^defaultPolicy.anyone[outcome&1])&subcategory.bit() != 0
}
