package sddl_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// TestEachPart: each part is printed where it is asked for and only there, with the control bits of its
// own list; a backup is all of them (S-44).
func TestEachPart(t *testing.T) {
	const (
		o, g  = "O:BA", "G:SY"
		dacl  = "D:P(A;;FA;;;WD)"
		label = "(ML;;NW;;;LW)"
		audit = "(AU;SA;FR;;;WD)"
		rule  = "(SP;;;;;S-1-17-1)"
		trust = "(TL;;RC;;;S-1-19-512-4096)"
		attr  = `(RA;;;;;WD;("a",TI,0x0,1))`
	)
	d := sddl.MustParse(o + g + dacl + "S:ARAI" + label + audit + rule + trust + attr)
	all := o + g + dacl + "S:ARAI" + label + audit + rule + trust + attr
	for info, want := range map[uint32]string{
		0: all, winnt.BACKUP_SECURITY_INFORMATION: all, winnt.OWNER_SECURITY_INFORMATION: o,
		winnt.BACKUP_SECURITY_INFORMATION | winnt.LABEL_SECURITY_INFORMATION: all,
		winnt.GROUP_SECURITY_INFORMATION:                                     g, winnt.DACL_SECURITY_INFORMATION: dacl,
		winnt.SACL_SECURITY_INFORMATION:                                     "S:ARAI" + label + audit + rule + trust + attr,
		winnt.LABEL_SECURITY_INFORMATION:                                    "S:ARAI" + label,
		winnt.ATTRIBUTE_SECURITY_INFORMATION:                                "S:ARAI" + attr,
		winnt.SCOPE_SECURITY_INFORMATION:                                    "S:ARAI" + rule,
		winnt.PROCESS_TRUST_LABEL_SECURITY_INFORMATION:                      "S:ARAI" + trust,
		winnt.ACCESS_FILTER_SECURITY_INFORMATION:                            "",
		winnt.OWNER_SECURITY_INFORMATION | winnt.LABEL_SECURITY_INFORMATION: o + "S:ARAI" + label,
		winnt.OWNER_SECURITY_INFORMATION | winnt.SACL_SECURITY_INFORMATION: o + "S:ARAI" + label + audit + rule + trust +
			attr,
		winnt.GROUP_SECURITY_INFORMATION | winnt.DACL_SECURITY_INFORMATION: g + dacl,
	} {
		if got, err := sddl.Format(d, sddl.Options{Info: info}); err != nil || got != want {
			t.Errorf("%#x: %s, %v, want %s", info, got, err, want)
		}
	}
	if got, err := sddl.Format(nil, sddl.Options{}); got != "" || err != nil {
		t.Errorf("no descriptor prints as %q, %v", got, err)
	}
}

// TestPartsWithoutText: what no text reads back is refused, and not where another part is asked for
// (S-45, S-46); nothing is printed beside an error.
func TestPartsWithoutText(t *testing.T) {
	bare, _ := sid.New(5)
	entry, err := sd.RawACE(0x7F, 0, []byte{1, 2, 3, 4})
	if err != nil {
		t.Fatal(err)
	}
	unknown, err := sd.NewACL(entry)
	if err != nil {
		t.Fatal(err)
	}
	for part, c := range map[uint32]struct {
		parts sd.Parts
		want  ntstatus.Status
	}{
		winnt.OWNER_SECURITY_INFORMATION: {sd.Parts{Owner: bare}, ntstatus.InvalidSID},
		winnt.GROUP_SECURITY_INFORMATION: {sd.Parts{Group: bare}, ntstatus.InvalidSID},
		winnt.DACL_SECURITY_INFORMATION:  {sd.Parts{DACL: unknown}, ntstatus.InvalidACL},
		winnt.SACL_SECURITY_INFORMATION:  {sd.Parts{SACL: unknown}, ntstatus.InvalidACL},
	} {
		for info := uint32(1); info < 16; info++ {
			got, err := sddl.Format(sd.New(c.parts), sddl.Options{Info: info})
			if info&part == 0 && err != nil || info&part != 0 && !errors.Is(err, c.want.Err()) || got != "" {
				t.Errorf("part %#x, asked for %#x: %q, %v", part, info, got, err)
			}
		}
	}
}

// TestStatusOfSections: what follows a list is taken for a malformed entry unless a letter and a colon
// stand there; what follows a SID is an unknown tag (S-43).
func TestStatusOfSections(t *testing.T) {
	for text, want := range map[string]ntstatus.Status{
		"X:": ntstatus.InvalidParameter, "O:BAX:": ntstatus.InvalidParameter, "O:BA9:": ntstatus.InvalidParameter,
		"D:X:": ntstatus.InvalidParameter, "D:x:": ntstatus.InvalidParameter, "D:a:": ntstatus.InvalidParameter,
		"D:z:": ntstatus.InvalidParameter, "D:Z:": ntstatus.InvalidParameter, "S:Q:": ntstatus.InvalidParameter,
		"D:9:": ntstatus.InvalidACL, "D:@:": ntstatus.InvalidACL, "D:[:": ntstatus.InvalidACL, "D:{:": ntstatus.InvalidACL,
		"D:`:": ntstatus.InvalidACL, "D:X": ntstatus.InvalidACL, "D:XY": ntstatus.InvalidACL, "S:)": ntstatus.InvalidACL,
		"D:O:BAX": ntstatus.InvalidParameter, "D:D:": ntstatus.InvalidACL, "O:BAO:BA": ntstatus.InvalidACL,
	} {
		_, err := sddl.Parse(text)
		if e := (*sddl.SyntaxError)(nil); !errors.As(err, &e) || e.Status != want {
			t.Errorf("%s: %v, want %v", text, err, want)
		}
	}
}

// TestRightsByHand: rights are names, letters and numbers in any mixture, which add up; what does not
// fit is refused, and a refusal grants nothing.
func TestRightsByHand(t *testing.T) {
	for text, want := range map[string]winnt.AccessMask{
		"FR": 0x120089, "fr": 0x120089, "FR|WD": 0x160089, "FR,WD WO": 0x1E0089, "RCWD": 0x60000, "9": 9, "0x9": 9, "010": 8,
		"99": 99, "0xffffffff": 0xFFFFFFFF, "4294967295": 0xFFFFFFFF, "FILE_READ_DATA": 1, "file_write_data|1": 3,
		"MAXIMUM_ALLOWED": 0x2000000, "ACCESS_SYSTEM_SECURITY": 0x1000000, "GENERIC_ALL|GENERIC_READ": 0x90000000,
		"FILE_ALL_ACCESS": 0x1F01FF, "FILE_GENERIC_READ": 0x120089, "FILE_GENERIC_WRITE": 0x120116,
		"FILE_GENERIC_EXECUTE": 0x1200A0, "KEY_ALL_ACCESS": 0xF003F, "KEY_READ": 0x20019, "KEY_WRITE": 0x20006,
		"KEY_EXECUTE": 0x20019, "TOKEN_ALL_ACCESS": 0xF01FF, "TOKEN_READ": 0x20008, "TOKEN_WRITE": 0x200E0,
		"TOKEN_EXECUTE": 0x20000, "PROCESS_ALL_ACCESS": 0x1FFFFF, "THREAD_ALL_ACCESS": 0x1FFFFF,
		"JOB_OBJECT_ALL_ACCESS": 0x1F003F, "DIRECTORY_ALL_ACCESS": 0xF000F, "SYMBOLIC_LINK_ALL_ACCESS": 0xF0001,
		"EVENT_ALL_ACCESS": 0x1F0003, "PORT_ALL_ACCESS": 0x1F0001, "MUTANT_ALL_ACCESS": 0x1F0001,
		"SEMAPHORE_ALL_ACCESS": 0x1F0003, "TIMER_ALL_ACCESS": 0x1F0003, "STANDARD_RIGHTS_REQUIRED": 0xF0000,
		"STANDARD_RIGHTS_ALL": 0x1F0000, "ADS_RIGHT_DS_SELF": 8, "SECTION_EXTEND_SIZE": 0x10, "THREAD_RESUME": 0x1000,
		"DELETE": 0x10000, "SYNCHRONIZE": 0x100000,
	} {
		if got, err := sddl.ParseRights(text); err != nil || got != want {
			t.Errorf("%s: %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", " ", "|", "FR|", "X", "FRX", "QQ", "FR|QQ", "QQ|FR", "0x100000000",
		"4294967296", "-1", "0xg", "09", "1FR", "FR1", "FILE_READ", "0x"} {
		if got, err := sddl.ParseRights(text); (err == nil) != (text == "FR|") || err != nil && got != 0 ||
			err != nil && !strings.HasPrefix(err.Error(), `rights "`+text+`": `) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}

// TestNumbersInEntries: a mask is hexadecimal, octal or decimal, and its digits end it; what is too
// large saturates, and the strict reader refuses it (S-38).
func TestNumbersInEntries(t *testing.T) {
	for text, want := range map[string]winnt.AccessMask{"9": 9, "19": 19, "0x1f": 0x1F, "0X1F": 0x1F, "017": 15,
		"0": 0, "00": 0, "4294967295": 0xFFFFFFFF} {
		for name, read := range map[string]func(string, ...sddl.Options) (*sd.Descriptor, error){"lenient": sddl.Parse,
			"strict": sddl.ParseStrict} {
			d, err := read("D:(A;;" + text + ";;;WD)")
			if err != nil || d.DACL().At(0).Mask() != want {
				t.Errorf("%s, %s: %v, %v, want %v", name, text, d, err, want)
			}
		}
	}
	for text, want := range map[string]winnt.AccessMask{"4294967296": 0xFFFFFFFF, "0xfffffffff": 0xFFFFFFFF,
		"-1": 0xFFFFFFFF, "-0x2": 0xFFFFFFFE, "1FA": 0x1F01FF, "0x1GA": 0x10000001, "FA1": 0x1F01FF, "FA 0x200": 0,
		"99999999999999999999999": 0xFFFFFFFF} {
		d, err := sddl.Parse("D:(A;;" + text + ";;;WD)")
		if (err == nil) != (want != 0) || err == nil && d.DACL().At(0).Mask() != want {
			t.Errorf("%s: %v, want %v", text, err, want)
		}
		if _, err := sddl.ParseStrict("D:(A;;" + text + ";;;WD)"); err == nil {
			t.Errorf("%s is read strictly", text)
		}
	}
}
