package refusals

import (
	"strings"

	"github.com/refmon/refmon/nt"
)

// outside maps services that can fail but have no refusals in this package to the reason.
var outside = map[string]string{
	"AllocateLocallyUniqueId": cFace,
	"CreatePort":              ports, "ConnectPort": ports, "AcceptConnectPort": ports, "RequestWaitReplyPort": ports,
	"ListenPort": ports, "CompleteConnectPort": ports,
	"ReplyWaitReceivePort": ports, "ReplyPort": ports, "ImpersonateClientOfPort": ports,
	"SeAssignSecurityEx": values, "SeSetSecurityDescriptorInfoEx": values,
	"SeUnregisterLogonSessionTerminatedRoutine": values,
	"CreateFile": trees, "DeleteFile": trees, "SetInformationFile": trees, "QueryDirectoryFile": trees,
	"CancelIoFileEx": underWay, "CancelSynchronousIoFile": underWay,
	"LsaLogonUser": accounts, "LsaOpenPolicy": accounts, "LsaClose": accounts, "LsaQueryInformationPolicy": accounts,
	"LsaLookupNames2": accounts, "LsaLookupSids": accounts, "LsaEnumerateAccountRights": accounts,
}

const (
	ports = "what a port answers depends on the conversation, not on one call: transcript 30-ports"
	// accounts is the reason of the services that an authority answers.
	accounts = "what the authority answers depends on its accounts: transcript 97-logon"

	trees    = "what a tree answers depends on its files: tests of package hostfs"
	underWay = "a call without refusal needs an operation under way: TestPendingOperationIsCancelledOnce"
	values   = "the routine works on values alone; its rules have tests of their own"
)

// Outside returns the reason why this package has no refusals of a service, by its name with or without the prefix Nt
// or Zw. It returns "" if the package has some or the reason is missing.
func Outside(name string) string {
	if reason, ok := outside[name]; ok {
		return reason
	}
	if len(name) < 2 {
		return ""
	}
	return outside[name[2:]]
}

// Known reports whether the package has injectable failures of the service with this exact name.
func Known(name string) bool { return registry()[name] != nil }

// Absence is a failure condition of a service that no refusal can make true, and the reason.
type Absence struct {
	Condition nt.Condition
	Reason    string
}

// Absent returns the conditions of a service without a refusal, each with the reason. An empty Reason is an omission
// that the test reports. It returns nil for an unknown service.
func Absent(name string) []Absence {
	s := registry()[name]
	if s == nil {
		return nil
	}
	var list []Absence
	for i, c := range s.row.Info().Conditions {
		if s.covers(i) {
			continue
		}
		a := Absence{Condition: c}
		for _, f := range s.refusals {
			if f.condition == i {
				a.Reason = "kernel mode is not called with such a pointer"
			}
		}
		for _, r := range s.absent {
			if r.rule == c.Rule && strings.Contains(c.When, r.when) {
				a.Reason = r.reason
			}
		}
		list = append(list, a)
	}
	return list
}

// covers reports whether the package can test the service's failure condition with this index: a refusal makes it
// true and a call with it is possible.
func (s *service) covers(condition int) bool {
	for _, f := range s.refusals {
		if f.condition == condition && f.callable() {
			return true
		}
	}
	return false
}
