package index

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/watch"
	"github.com/refmon/refmon/winnt"
)

// TestReadOfSameDirectoryFileIsHeartbeat checks the result of each read of a directory file, for any earlier
// contents: a heartbeat if it is the current version, an error if it differs from the last read,
// then the new version or its error. A version that was current before counts again (N-11). The time is that before the
// read (N-7).
func TestReadOfSameDirectoryFileIsHeartbeat(t *testing.T) {
	name := filepath.Join(t.TempDir(), "firm.yaml")
	contents := map[string]string{"none": "", "one": "users:\n- {name: ann, sid: S-1-5-21-1-2-3-1107}\n",
		"two":     "users:\n- {name: bea, sid: S-1-5-21-1-2-3-1108}\n- {name: ann, sid: S-1-5-21-1-2-3-1107}\n",
		"garbage": "users: [", "": ""} // "": there is no file
	people := map[string]string{"one": "ann", "two": "bea ann"}
	names := []string{"one", "two", "garbage", "", "none"}
	r := rand.New(rand.NewPCG(7, 11))
	look := reading{file: name}
	known, last := "", "" // the current version, and the last read
	met, versions := map[string]int{}, map[string]int{}
	at := time.Unix(1_000_000, 0)
	for range 400 {
		here := last
		if r.IntN(2) == 0 {
			here = names[r.IntN(len(names))]
		}
		if err := os.Remove(name); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		if here != "" {
			check.NoError(t, os.WriteFile(name, []byte(contents[here]), 0o600))
		}
		at = at.Add(time.Second)
		taken := 0
		look.clock = func() watch.Heartbeat { // changes during the read do not count as read
			taken++
			return watch.Heartbeat{Time: at, Up: 7}
		}
		got := look.poll()
		kind := ""
		switch {
		case here == "":
			kind = "no file"
		case here == known:
			kind = "it counts"
		case here != last:
			kind = "it changes"
		case people[here] == "":
			kind = "it cannot be used"
		default:
			kind = "it counts from now on"
		}
		met[kind]++
		var who []string
		if got.People != nil {
			for _, p := range got.People.Principals {
				who = append(who, p.Name)
			}
		}
		sum := sha256.Sum256([]byte(contents[here]))
		fresh := kind == "it counts from now on"
		vouched := fresh || kind == "it counts"
		switch {
		case (got.Err != nil) == vouched, vouched != (got.Heartbeat == watch.Heartbeat{Time: at, Up: 7}), taken != 1,
			!vouched && got.Heartbeat != watch.Heartbeat{}, fresh != (got.People != nil),
			fresh != (got.Name == hex.EncodeToString(sum[:8])),
			!fresh && got.Name != "", fresh != bytes.Equal(got.File, []byte(contents[here])) && here != "none" && here != "",
			!fresh && got.File != nil, fresh && strings.Join(who, " ") != people[here],
			errors.Is(got.Err, errChanging) != (kind == "it changes"), got.BeingWritten() != (kind == "it changes"),
			kind == "no file" && !errors.Is(got.Err, os.ErrNotExist),
			got.Err != nil && !got.BeingWritten() && !strings.HasSuffix(got.Err.Error(), " until it can be used"),
			kind == "it cannot be used" && !strings.HasPrefix(got.Err.Error(), name+": "):
			t.Fatalf("N-11: %s: read %q after %q, current version %q: event %+v", kind, here, last, known, got)
		}
		if fresh {
			known = here
			versions[here]++
		}
		if here != "" {
			last = here
		}
	}
	check.That(t, versions["one"] >= 2 && versions["two"] >= 2,
		"each version took effect %v times, want at least twice", versions)
	for _, kind := range []string{"no file", "it counts", "it changes", "it cannot be used",
		"it counts from now on"} {
		check.That(t, met[kind] >= 10, "%s: met %d times, want at least 10", kind, met[kind])
	}
}

// A roster without an interval reads its file once a second, not in a busy loop.
func TestDirectoryFileIsReadOncePerSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		out, ended := make(chan Version), make(chan error)
		go func() { ended <- (&Directory{File: filepath.Join(t.TempDir(), "none")}).Run(ctx, out) }()
		<-out
		for range 3 {
			last := time.Now()
			<-out
			check.Equal(t, time.Since(last), watch.DefaultBeat, "read again after")
		}
		stop()
		check.NoError(t, <-ended)
	})
}

// TestTruncatedDirectoryFileIsNoVersion checks that a directory file that was cut off anywhere within a line, and stays
// so, is never a version and gets no heartbeat, in each form of the file. The previous version has no heartbeat
// meanwhile (N-135).
func TestTruncatedDirectoryFileIsNoVersion(t *testing.T) {
	const staffSID, contractors = "S-1-5-21-1-2-3-2000", "S-1-5-21-1-2-3-2003"
	forms := map[string]string{
		"YAML": "groups:\n- {name: Staff, sid: " + staffSID + "}\n- {name: Contractors, sid: " + contractors +
			"}\nusers:\n- name: bob\n  sid: " + bob + "\n  memberOf:\n  - Staff\n  - Contractors\n",
		"CSV": "name,sid,kind,memberOf\r\nStaff," + staffSID + ",group,\r\nContractors," + contractors +
			",group,\r\nbob," + bob + ",,Staff;Contractors\r\n",
		"JSON": "\xef\xbb\xbf" + `{"users":[{"name":"bob","sid":"` + bob +
			`","memberOf":["Staff","Contractors"]}],"groups":[{"name":"Staff","sid":"` + staffSID +
			`"},{"name":"Contractors","sid":"` + contractors + `"}]}`,
	}
	for _, form := range []string{"YAML", "JSON"} { // as PowerShell redirects output
		text := strings.TrimPrefix(forms[form], "\xef\xbb\xbf")
		forms[form+" in UTF-16"] = "\xff\xfe" + strings.Join(strings.Split(text, ""), "\x00") + "\x00"
	}
	for form, whole := range forms {
		r := reading{file: filepath.Join(t.TempDir(), "firm")}
		twice := func(text string) Version {
			t.Helper()
			check.NoError(t, os.WriteFile(r.file, []byte(text), 0o600))
			r.poll()
			return r.poll()
		}
		if v := twice(whole); v.Err != nil || len(v.People.Principals) != 1 {
			t.Fatalf("%s: %+v, want a version", form, v)
		}
		for at := 1; at < len(whole); at++ {
			if strings.HasSuffix(strings.TrimSuffix(whole[:at], "\x00"), "\n") {
				continue // whole lines: nothing shows that some are missing
			}
			if v := twice(whole[:at]); v.Err == nil || v.People != nil || !v.Heartbeat.Time.IsZero() {
				t.Errorf("N-135: %s cut off after %q: %+v, want an error", form, whole[max(0, at-12):at], v)
			}
		}
		if v := twice(whole); v.Err != nil || v.People != nil || v.Heartbeat.Time.IsZero() {
			t.Errorf("N-135: %s: the whole file again: %+v, want a heartbeat", form, v)
		}
	}
}

// TestChangedLogonKindIsNewVersion checks that a changed line "logon" of the directory file is a new version, and that
// its people are decided for that kind (D-36).
func TestChangedLogonKindIsNewVersion(t *testing.T) {
	name := filepath.Join(t.TempDir(), "firm.yaml")
	look := reading{file: name}
	const people = "users:\n- {name: ann, sid: S-1-5-21-1-2-3-1107}\n"
	for text, want := range map[string]bool{people: true, "logon: ntlm\n" + people: false} {
		check.NoError(t, os.WriteFile(name, []byte(text), 0o600))
		look.poll()
		v := look.poll()
		check.RequireThat(t, v.People != nil, "N-11: %q is not a version: %v", text, v.Err)
		for sd, want := range map[string]bool{"O:BAG:SYD:(D;;FR;;;S-1-5-64-10)(A;;FR;;;WD)": want,
			"O:BAG:SYD:(A;;FR;;;S-1-18-1)": want, "O:BAG:SYD:(A;;FR;;;WD)": true} {
			c := &Class{Type: winnt.FileObject, Mask: winnt.FILE_READ_DATA, Descriptor: sddl.MustParse(sd)}
			if got, err := deciderFor(v.People).grants(c); err != nil || got != want {
				t.Errorf("D-36: %q: %s: granted %t, %v, want %t", text, sd, got, err, want)
			}
		}
	}
}
