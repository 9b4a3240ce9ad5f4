package token_test

import (
	"flag"
	"math/rand/v2"
	"testing"

	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

var seedFlag = flag.Uint64("seed", 0, "seed of the random tests; 0 takes that of REFMON_SEED")

// newRand gives a random source and prints its seed.
func newRand(t testing.TB) *rand.Rand {
	seed := *seedFlag
	if seed == 0 {
		seed = randtest.Seed(t)
	}
	t.Logf("seed %d (repeat with -seed=%[1]d)", seed)
	return rand.New(rand.NewPCG(seed, 1))
}

// The cast of the conformance cases: user U, mandatory Users, G1 enabled and not
// mandatory, G2 disabled; ChangeNotify enabled, Shutdown held but disabled.
var (
	userU    = account(1001)
	groupG1  = account(2001)
	groupG2  = account(2002)
	parentID = winnt.LUID(0x10001)
)

func setup(extra ...token.Group) token.Spec {
	return token.Spec{
		User: token.Group{SID: userU},
		Groups: append([]token.Group{
			{SID: sid.Users, Attributes: winnt.SE_GROUP_MANDATORY},
			{SID: groupG1, Attributes: winnt.SE_GROUP_ENABLED | winnt.SE_GROUP_ENABLED_BY_DEFAULT},
			{SID: groupG2, Attributes: token.GroupDisabled},
		}, extra...),
		Privileges:        winnt.Privileges(winnt.SeChangeNotifyPrivilege, winnt.SeShutdownPrivilege),
		EnabledPrivileges: winnt.Privileges(winnt.SeChangeNotifyPrivilege),
		DefaultPrivileges: winnt.Privileges(winnt.SeChangeNotifyPrivilege),
		Integrity:         sid.MediumLevel,
		ModifiedID:        100,
		AuthenticationID:  0x5000,
	}
}

func attributes(t testing.TB, tok *token.Token, s sid.SID) (uint32, bool) {
	t.Helper()
	for _, g := range tok.Groups() {
		if g.SID == s {
			return g.Attributes, true
		}
	}
	return 0, false
}

func wantStatus(t testing.TB, what string, got, want ntstatus.Status) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func filter(t testing.TB, tok *token.Token, f token.FilterSpec) *token.Token {
	t.Helper()
	n, st := tok.Filter(f)
	if st != ntstatus.Success {
		t.Fatalf("filter: %v", st)
	}
	return n
}

func restricting(sids ...sid.SID) (out []token.Group) {
	for _, s := range sids {
		out = append(out, token.Group{SID: s})
	}
	return out
}

func enable(p winnt.Privilege) token.PrivilegeChange {
	return token.PrivilegeChange{LUID: p.LUID(), Attributes: winnt.SE_PRIVILEGE_ENABLED}
}
