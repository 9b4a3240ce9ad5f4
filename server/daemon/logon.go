package daemon

import (
	"fmt"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// logonEvent is the number of the record of a logon.
const logonEvent = 4624

// record writes that a program was given a token. Under a policy that fails
// closed there is no connection without its record (W-22).
func (c *connection) record(tok *token.Token) error {
	log := c.d.sys.Audit()
	if !log.Records(audit.Logon, audit.Success, tok) {
		return nil
	}
	elevated := "%%1843" // no
	if tok.Spec().ElevationType == winnt.TokenElevationTypeFull {
		elevated = "%%1842"
	}
	from := audit.Origin{Subject: access.Subject{Primary: tok}, ProcessID: uint64(c.peer.PID), ProcessName: c.peer.Name,
		Names: log.Names}
	e, err := audit.Make(logonEvent, audit.Success, from, audit.Values{
		"TargetUserSid":             {tok.User().SID.String()},
		"TargetLogonId":             {fmt.Sprintf("0x%x", uint64(tok.Spec().AuthenticationID))},
		"LogonType":                 {"2"},
		"LogonProcessName":          {"refmond"},
		"AuthenticationPackageName": {"unix"},
		"ImpersonationLevel":        {"-"},
		"ElevatedToken":             {elevated},
	})
	if err != nil {
		return fmt.Errorf("record of a logon: %w", err)
	}
	if st := log.Write(e); st != ntstatus.Success {
		return fmt.Errorf("record of a logon: %w", st.Err())
	}
	return nil
}
