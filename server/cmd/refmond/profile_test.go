package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestProfiles: each unit asks for the AppArmor profile of its own program, which names the
// folders of the configuration, and AppArmor's parser reads it where it is there.
func TestProfiles(t *testing.T) {
	cfg, err := load("")
	if err != nil {
		t.Fatal(err)
	}
	parser, missing := exec.LookPath("apparmor_parser")
	for name, want := range map[string][]string{
		"refmond": {"/etc/refmon/** r", cfg.State + "/** rw", filepath.Dir(cfg.Socket) + "/** rw",
			"/usr/{,local/}bin/refmond mr", "capability dac_override", "capability sys_admin"},
		"refmon-gateway": {cfg.State + "-gateway/** rw", "/etc/refmon/gateway.yaml r", "capability net_bind_service"},
	} {
		path := filepath.Join("../../../packaging/apparmor", name)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range append(want, "profile "+name+" ", "include if exists <local/"+name+">") {
			if !strings.Contains(string(b), w) {
				t.Errorf("%s lacks %q", path, w)
			}
		}
		unit, err := os.ReadFile("../../systemd/" + name + ".service")
		if err != nil || !strings.Contains(string(unit), "\nAppArmorProfile=-"+name+"\n") {
			t.Errorf("%s.service does not ask for its profile (%v)", name, err)
		}
		if missing != nil {
			continue
		}
		// -Q: nothing is loaded into the kernel.
		if out, err := exec.Command(parser, "-Q", "--skip-cache", path).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", path, err, out)
		}
	}
	if missing != nil {
		t.Skip("the profiles were read, but not by AppArmor: no apparmor_parser on this machine")
	}
}
