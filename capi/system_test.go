//go:build cgo && linux

package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/check"
)

// In the documented profile a failed call does not change its output handle (O-5), and duplicating a primary token
// returns a token at SecurityImpersonation (T-43). A standard user is not an administrator, and has a logon session
// too. A token file is used unchanged. A program with more rights than its caller ignores all four variables (W-103).
func TestEnvironmentSelectsUserAndProfile(t *testing.T) {
	folder := library(t)
	source := filepath.Join(t.TempDir(), "env.c")
	check.NoError(t, os.WriteFile(source, []byte(`#include <refmon/refmon.h>
#include <stdio.h>
int main(void)
{
	HANDLE h = (HANDLE)0x54, own, dup;
	DWORD level = 9, elevated = 9, n;
	PSID admins, local;
	LPSTR user, named;
	BOOL member = 9;
	char room[100];
	TOKEN_STATISTICS of;
	NtOpenThreadToken(NtCurrentThread(), TOKEN_QUERY, TRUE, &h);
	NtOpenProcessToken(NtCurrentProcess(), TOKEN_QUERY | TOKEN_DUPLICATE, &own);
	NtDuplicateToken(own, TOKEN_QUERY, NULL, FALSE, TokenImpersonation, &dup);
	NtQueryInformationToken(dup, TokenImpersonationLevel, &level, 4, &n);
	NtQueryInformationToken(own, TokenElevation, &elevated, 4, &n);
	NtQueryInformationToken(own, TokenStatistics, &of, sizeof of, &n);
	ConvertStringSidToSidA("BA", &admins);
	CheckTokenMembership(NULL, admins, &member);
	GetTokenInformation(own, TokenUser, room, sizeof room, &n);
	ConvertSidToStringSidA(((PTOKEN_USER)room)->User.Sid, &user);
	ConvertStringSidToSidA("LG", &local);
	ConvertSidToStringSidA(local, &named);
	printf("handle %lx level %u session %d elevated %u admin %d user %s guest %s\n", (unsigned long)(uintptr_t)h, level,
		of.AuthenticationId.LowPart != 0, elevated, member, user, named);
	return 0;
}
`), 0o644))
	file := filepath.Join(t.TempDir(), "token.json")
	check.NoError(t, os.WriteFile(file, []byte(`{"user":"S-1-5-21-1-2-3-1107"}`), 0o644))
	program := compile(t, folder, source, "-lrefmon")
	const byDefault = "handle 0 level 0 session 1 elevated 1 admin 1 user " +
		"S-1-5-21-1000000001-1000000002-1000000003-500 guest S-1-5-21-1000000001-1000000002-1000000003-501\n"
	const documented = "handle 54 level 2 session 1 elevated 1 admin 1"
	t.Setenv("REFMON_PROFILE", "documented")
	socket := daemonSocket(t, logOnAdministrator)
	t.Setenv("REFMON_PROFILE", "")
	cases := []struct{ env, want string }{
		{"REFMON_PROFILE=observed", byDefault},
		{"REFMON_PROFILE=documented", documented},
		{"REFMON_SOCKET=" + socket, documented},
		{"REFMON_USER=standard", "handle 0 level 0 session 1 elevated 0 admin 0"},
		{"REFMON_TOKEN=" + file, "user S-1-5-21-1-2-3-1107 guest S-1-5-21-1-2-3-501"},
	}
	for _, c := range cases {
		if out := run(t, c.env, program); !strings.Contains(out, c.want) {
			t.Errorf("%s: got %q, want %q", c.env, out, c.want)
		}
	}
	for env, want := range map[string]string{"REFMON_USER=stranger": `REFMON_USER is "stranger"`,
		"REFMON_PROFILE=stranger": `REFMON_PROFILE is "stranger"`,
		"REFMON_TOKEN=/dev/zero":  "REFMON_TOKEN: /dev/zero is larger than 16 MiB"} {
		// The limit ends a program that reads a file without an end.
		cmd := exec.Command("sh", "-c", `ulimit -v 8000000; exec timeout 20 "$0"`, program)
		cmd.Env = append(os.Environ(), env)
		if out, err := cmd.CombinedOutput(); err == nil || !bytes.Contains(out, []byte(want)) {
			t.Errorf("%s: %v, %.300s; want an error with %q", env, err, out, want)
		}
	}
	if setGroupID(t, program) {
		for _, c := range cases {
			check.Equal(t, run(t, c.env, program), byDefault, "output with another group than the caller's, %s", c.env)
		}
	}
}

// The number of a thread that has ended is never used again: to end it twice ends no other thread.
func TestNumberOfEndedThreadIsNotReused(t *testing.T) {
	first := attach()
	detach(first)
	second := attach()
	defer detach(second)
	detach(first)
	check.That(t, threadByID(first) == nil && threadByID(second) != nil, "threads after %#x ended twice: %v, %v", first,
		threadByID(first), threadByID(second))
}

// setGroupID gives a program another group than its caller's. It returns false if the test cannot: only root can make
// a set-group-ID program, and not in every file system.
func setGroupID(t *testing.T, program string) bool {
	t.Helper()
	var fs unix.Statfs_t
	if err := unix.Statfs(program, &fs); err != nil || fs.Flags&unix.ST_NOSUID != 0 || os.Getuid() != 0 {
		return false
	}
	check.NoError(t, errors.Join(os.Chown(program, 0, 54321), os.Chmod(program, 0o755|os.ModeSetgid)))
	return true
}
