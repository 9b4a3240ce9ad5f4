package audit

import "sync/atomic"

// Active holds the policy in force. The zero value has [DefaultPolicy] in
// force. It must not be copied.
//
// Readers that only want to know whether there is anything to do call [Active.Opens]
// or [Active.On]: one atomic load each. The words behind them follow the
// policy; a reader that still sees the old words while a policy is being
// stored is ordered before the store.
type Active struct {
	policy atomic.Pointer[Policy] // nil stands for defaultPolicy
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

// Store puts a policy in force; nil stands for the default.
func (a *Active) Store(p *Policy) {
	a.policy.Store(p)
	a.follow()
}

// CompareAndSwap puts next in force if old, a result of [Active.Load], still
// is.
func (a *Active) CompareAndSwap(old, next *Policy) bool {
	if !a.policy.CompareAndSwap(old, next) {
		if old != defaultPolicy || !a.policy.CompareAndSwap(nil, next) {
			return false
		}
	}
	a.follow()
	return true
}

// failed marks the policy in force as one under which a record was lost.
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

// follow makes the words those of the policy in force. Of two writers the
// one that finds another policy after its own words are written goes round
// again, so the words end up as those of the last policy.
func (a *Active) follow() {
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

// Opens reports whether an open of any object, by anyone, can have a record.
// It is the first thing the open path asks: one load.
func (a *Active) Opens() bool { return a.opens.Load() != 0 }

// On reports whether the outcome is recorded for some account; s must be one
// of the named subcategories. One load; [Policy.Records] has the last word.
func (a *Active) On(s Subcategory, o Outcome) bool {
	return (a.on[o&1].Load()^defaultPolicy.anyone[o&1])&s.bit() != 0
}
