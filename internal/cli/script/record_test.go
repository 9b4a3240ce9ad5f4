package script_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/cli/script"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
)

// recorded runs a program and returns its calls as a recording has them: line, time, name, status, inputs and
// outputs.
func recorded(t *testing.T, program string) (lines []string) {
	t.Helper()
	cfg := script.Config{Record: func(c script.Recorded) {
		in, err := json.Marshal(c.In)
		check.That(t, err == nil, "%v", err)
		out, err := json.Marshal(c.Out)
		check.That(t, err == nil, "%v", err)
		lines = append(lines, fmt.Sprintf("%d.%d %s %s %s %s %s [%s %s]", c.Line, c.Time, c.Thread, c.Call, c.Status, in, out,
			c.Rule, c.Step))
	}}
	mustRun(t, cfg, program)
	return lines
}

// System-generated numbers are named by line and iteration of the first call that returned them. Other values are
// kept, in one notation.
func TestRecordingNamesGeneratedNumbers(t *testing.T) {
	got := recorded(t, `S = process("S", token(user="SY", privileges=["SeTcbPrivilege"]), sd=None)
th = S.thread
step("open", "O-1")
h = th.NtOpenProcessToken(ProcessHandle=NtCurrentProcess(), DesiredAccess=0xF01FF).TokenHandle
for i in range(2):
    th.NtClose(Handle=th.NtOpenProcessToken(ProcessHandle=NtCurrentProcess(), DesiredAccess=TOKEN_QUERY).TokenHandle)
th.NtSetInformationToken(TokenHandle=h, TokenInformationClass=TokenDefaultDacl, TokenInformation="D:(A;;GA;;;SY)")
th.NtQueryInformationToken(TokenHandle=h, TokenInformationClass=TokenDefaultDacl)
th.NtQueryInformationToken(TokenHandle=h, TokenInformationClass=TokenUser)
th.NtAdjustPrivilegesToken(TokenHandle=h, NewState=["SeTcbPrivilege"])
th.NtClose(Handle=0)
step("again")
th.NtDuplicateToken(ExistingTokenHandle=h, ObjectAttributes=bad_pointer(), TokenType=TokenPrimary)
th.NtOpenProcess(DesiredAccess=PROCESS_QUERY_INFORMATION, ClientId=S.id, ObjectAttributes=object_attributes())
th.NtSetInformationToken(TokenHandle=h, TokenInformationClass=TokenDefaultDacl, TokenInformation="D:NO_ACCESS_CONTROL")
th.NtQueryInformationToken(TokenHandle=h, TokenInformationClass=TokenDefaultDacl)
th.NtCreateEvent(EventType=NotificationEvent, InitialState=True,
    ObjectAttributes=object_attributes(sd="O:SYD:(A;;GA;;;SY)"))
for i in range(2):
    th.NtOpenProcessToken(ProcessHandle=NtCurrentProcess(), DesiredAccess=TOKEN_QUERY)
close_all()
`)
	for i, want := range []string{
		`^4\.1 S/1 NtOpenProcessToken STATUS_SUCCESS {"DesiredAccess":"0x000f01ff","ProcessHandle":"NtCurrentProcess\(\)"} ` +
			`{"TokenHandle":"handle of line 4"} \[\S* O-1\]$`,
		`^6\.1 S/1 NtOpenProcessToken STATUS_SUCCESS .* {"TokenHandle":"handle of line 6"} `,
		`^6\.2 S/1 NtClose STATUS_SUCCESS {"Handle":"handle of line 6"} {} `,
		`^6\.3 S/1 NtOpenProcessToken STATUS_SUCCESS .* {"TokenHandle":"handle of line 6, time 3"} `,
		`^6\.4 S/1 NtClose STATUS_SUCCESS {"Handle":"handle of line 6, time 3"} {} `,
		`^7\.1 S/1 NtSetInformationToken STATUS_SUCCESS {"TokenHandle":"handle of line 4","TokenInformation":` +
			`"D:\(A;;GA;;;SY\)","TokenInformationClass":"TokenDefaultDacl","TokenInformationLength":"0x[0-9a-f]+"} {} `,
		`^8\.1 .*"TokenInformation":{?"?[^}]*D:\(A;;GA;;;SY\)`,
		`^9\.1 .*"TokenInformation":{"Attributes":"0x0","SID":"S-1-5-18"}`,
		`^10\.1 S/1 NtAdjustPrivilegesToken STATUS_SUCCESS .*"NewState":\[{"Attributes":"0x2","Luid":"SeTcbPrivilege"}\]`,
		`^11\.1 S/1 NtClose STATUS_INVALID_HANDLE {"Handle":"NULL"} null \[O-40 O-1\]$`,
		`^13\.1 S/1 NtDuplicateToken STATUS_ACCESS_VIOLATION .*"EffectiveOnly":false,.*"ObjectAttributes":` +
			`{"fault":"STATUS_ACCESS_VIOLATION"},"TokenType":"TokenPrimary"} null \[\S* \]$`,
		`^14\.1 S/1 NtOpenProcess STATUS_SUCCESS {"ClientId":{"UniqueProcess":"id of line 14","UniqueThread":null},.*` +
			`{"ProcessHandle":"handle of line 14"} `,
		`^15\.1 S/1 NtSetInformationToken STATUS_SUCCESS .*"TokenInformation":null,`,
		`^16\.1 .*"TokenInformation":null`,
		`^17\.1 S/1 NtCreateEvent STATUS_SUCCESS .*"EventType":"0x0","InitialState":true,"ObjectAttributes":{.*` +
			`"SecurityDescriptor":"O:SYD:\(A;;GA;;;SY\)"`,
		`^20\.1 .* {"TokenHandle":"handle of line 20"} `, `^20\.2 .* {"TokenHandle":"handle of line 20, time 2"} `,
	} {
		if i >= len(got) || !regexp.MustCompile(want).MatchString(got[i]) {
			t.Errorf("call %d: want %s\n%s", i, want, strings.Join(got[i:min(i+1, len(got))], ""))
		}
	}
	check.That(t, len(got) == 17, "%d calls, want 17\n%s", len(got), strings.Join(got, "\n"))
	var out []any // a failed call has cleared its handle, and nothing else (O-5)
	cfg := script.Config{Profile: nt.Observed, Record: func(c script.Recorded) { out = append(out, c.Out) }}
	mustRun(t, cfg, prelude+`th.NtCreateFile(DesiredAccess=1, ObjectAttributes=object_attributes("missing"))`)
	check.Equal(t, fmt.Sprint(out), "[map[FileHandle:NULL]]", "outputs of a failed call")
}
