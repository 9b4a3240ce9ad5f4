package daemon_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/daemon"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// TestLogonRecordsInFull: the record of a connection says who asked, by which program of the host, as whom and, where
// that was refused, why: the status of the refusal, or STATUS_ACCESS_DENIED for a fault without one (W-14, W-22).
func TestLogonRecordsInFull(t *testing.T) {
	policy, err := audit.NewPolicy(audit.PolicySpec{
		System: map[audit.Subcategory]audit.Setting{audit.Logon: audit.OnBoth}})
	if err != nil {
		t.Fatal(err)
	}
	comm, err := os.ReadFile("/proc/self/comm") // the host's name of this program
	if err != nil {
		t.Fatal(err)
	}
	hers := logon.Account{SID: sid.MustParse(`S-1-5-21-1-2-3-1107`), Domain: "BOX", Name: "alice"}
	spec := token.NetworkUser(hers.SID)
	asked := map[string]string{"LogonType": "2", "LogonProcessName": "refmond", "AuthenticationPackageName": "unix",
		"IpAddress": "-", "ProcessId": fmt.Sprintf("0x%x", os.Getpid()), "ProcessName": strings.TrimSpace(string(comm)),
		"SubjectUserSid": "S-1-5-18"}
	unknown := map[string]string{"TargetUserSid": "S-1-0-0", "TargetUserName": "-", "TargetDomainName": "-"}
	account := map[string]string{"TargetUserSid": hers.SID.String(), "TargetUserName": "alice", "TargetDomainName": "BOX"}
	for name, c := range map[string]struct {
		id    odd
		event uint16
		more  map[string]string
		of    map[string]string
	}{
		"known": {odd{result: logon.Result{Token: spec, Account: hers}}, 4624, map[string]string{
			"TargetUserSid": hers.SID.String()}, nil},
		"refused by a status": {odd{result: logon.Result{Account: hers}, err: fmt.Errorf("no: %w",
			ntstatus.AccountDisabled.Err())}, 4625, map[string]string{"Status": "0xc0000072", "SubStatus": "0x0",
			"FailureReason": "%%2310"}, account},
		"refused by a fault": {odd{err: errors.New("no account has the uid")}, 4625,
			map[string]string{"Status": "0xc0000022", "SubStatus": "0x0"}, unknown},
	} {
		t.Run(name, func(t *testing.T) {
			kept := audit.NewMemory(0, 0)
			log := &audit.Log{Sink: kept}
			log.Policy.Store(policy)
			d := start(t, func(cfg *daemon.Config) { cfg.Audit, cfg.Identity = log, c.id })
			if conn, err := client.Dial(d.socket); (err == nil) != (c.event == 4624) {
				t.Fatal(err)
			} else if err == nil {
				defer conn.Close()
			}
			want := maps.Clone(asked)
			maps.Copy(want, c.more)
			maps.Copy(want, c.of)
			n := 0
			for e := range kept.Events() {
				if e.ID != 4624 && e.ID != 4625 {
					continue
				}
				if n++; e.ID != c.event {
					t.Errorf("event %d, want %d", e.ID, c.event)
				}
				for field, value := range want {
					if got, ok := e.Field(field); !ok || got != value {
						t.Errorf("%s is %q, %t, want %q", field, got, ok, value)
					}
				}
			}
			if n != 1 {
				t.Errorf("%d records of logons", n)
			}
		})
	}
}
