package main

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// TestShipped: the configuration that is shipped is well formed and has every key
// there is.
func TestShipped(t *testing.T) {
	if _, err := load(""); err != nil {
		t.Fatal(err)
	}
	var keys func(reflect.Type)
	keys = func(s reflect.Type) {
		for i := range s.NumField() {
			key := s.Field(i).Tag.Get("json") + ":"
			if !strings.Contains(string(shipped), key) {
				t.Errorf("refmond.yaml does not explain %s", key)
			}
			if s.Field(i).Type.Kind() == reflect.Struct {
				keys(s.Field(i).Type)
			}
		}
	}
	keys(reflect.TypeFor[settings]())
}

// TestConfigurationRefused: what is not meant is refused, with the place.
func TestConfigurationRefused(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"state: /x\nsokket: /y\n", "line 2: sokket: unknown field"},
		{"limits:\n  perUser: many\n", "perUser"},
		{"limits:\n  perUser: -1\n", "at least 1"},
		{"state: /x\nstate: /y\n", "line 2"},
		{"State: /x\n", "unknown field"},
		{"privileges:\n  7: [SeNoSuchPrivilege]\n", "privileges of 7"},
		{"files:\n  a: 'D:(X'\n", "files: a"},
		{"profile: maybe\n", "documented or observed"},
		{"log:\n  level: loud\n", "log.level"},
		{"socket: ''\n", "must be given"},
		{"a: &b 1\n", "line 1"},
	} {
		file := filepath.Join(t.TempDir(), "c.yaml")
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := load(file)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), file) {
			t.Errorf("%q: %v, want %q", c.text, err, c.want)
		}
	}
}
