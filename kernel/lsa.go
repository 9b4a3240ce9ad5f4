package kernel

import (
	"github.com/refmon/refmon/internal/ntos/services"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// policySecurity lets everyone look names up and view, and Anonymous not (L-40).
const policySecurity = "O:BAG:SYD:(D;;0x800;;;AN)(A;;0xf1fff;;;BA)(A;;0xf1fff;;;SY)(A;;0x20801;;;WD)"

// makePolicy creates the policy object and sets the authority that resolves names. A nil authority means one that
// knows only the well-known names.
func (s *System) makePolicy(authority logon.Authority) {
	if authority == nil {
		m, err := logon.NewMemory(logon.Settings{})
		if err != nil {
			panic("kernel: authority: " + err.Error())
		}
		authority = m
	}
	s.sys.LSA = authority
	p := &services.Policy{}
	p.Init(services.PolicyType, p, sddl.MustParse(policySecurity))
	s.sys.Security.Objects.Track(p)
	s.sys.Policy = p
}

// LogOn opens the logon session of a result, and that of its linked token. It
// returns the token's value for [System.NewProcess] or [System.As] (L-10). The
// caller must call end once. After that the session lives as long as its tokens.
// The error is a status such as STATUS_TOO_MANY_CONTEXT_IDS.
func (s *System) LogOn(r logon.Result) (tok *token.Token, end func(), err error) {
	v, end, st := s.sys.OpenSession(&r)
	if st != ntstatus.Success {
		return nil, func() {}, st.Err()
	}
	return v, end, nil
}

// LogonSource is the caller of a logon, for its record. The zero value is the
// system itself.
type LogonSource = services.LogonSource

// RecordLogon writes the records of a logon by [System.LogOn]: 4624 for each session of its pair,
// directly followed by 4672 if the token holds a sensitive privilege (L-48). The end of each
// session is record 4634. Under a fail-closed policy the status is STATUS_AUDIT_FAILED if a
// record cannot be kept, and the logon must then fail. The number of records of a user's
// connections is limited, and the call does not wait for them: see [LogonSource].
func (s *System) RecordLogon(from LogonSource, t winnt.LogonType, tok *token.Token) ntstatus.Status {
	return s.sys.RecordLogon(from, t, tok)
}

// PeerRecords returns the limiter of records of connections and unchecked logons, which counts the
// omitted ones.
func (s *System) PeerRecords() *services.PeerRecords { return &s.sys.Peers }

// RecordRefusedLogon writes record 4625 of a refused logon, with the reason that the client does not get (L-49).
func (s *System) RecordRefusedLogon(from LogonSource, t winnt.LogonType, who logon.Account, why ntstatus.Status) {
	s.sys.RecordRefusedLogon(from, t, who, why, why)
}

// SetEveryoneIncludesAnonymous sets the policy of that name: whether anonymous
// tokens created from now on contain Everyone (I-74). It is off at boot.
func (s *System) SetEveryoneIncludesAnonymous(on bool) { s.sys.EveryoneIncludesAnonymous.Store(on) }
