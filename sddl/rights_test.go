package sddl_test

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/bounded"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// The letters of the rights of files and keys stand for their generic rights (S-39, C-23, C-24).
func TestLettersNameRights(t *testing.T) {
	for text, want := range map[string]winnt.AccessMask{"FR": 0x120089, "FW": 0x120116, "FX": 0x1200A0, "FA": 0x1F01FF,
		"KA": 0xF003F, "KR": 0x20019, "KW": 0x20006, "KX": 0x20019} {
		a := sddl.MustParse("D:(A;;" + text + ";;;WD)").DACL().At(0)
		check.That(t, a.Mask() == want, "rights %s in an entry = %#x, want %#x", text, a.Mask(), want)
	}
}

// Rights are names, letters and numbers in any mixture, which are added up. Anything else is refused, with no rights
// (S-38).
func TestMixedRightsAddUp(t *testing.T) {
	for text, want := range map[string]winnt.AccessMask{
		"FR": 0x120089, "fr": 0x120089, "FR|WD": 0x160089, "FR,WD WO": 0x1E0089, "RCWD": 0x60000, "9": 9, "0x9": 9, "010": 8,
		"99": 99, "0xffffffff": 0xFFFFFFFF, "4294967295": 0xFFFFFFFF, "FILE_READ_DATA": 1, "file_write_data|1": 3,
		"FR|0b11": 0x12008B, "FRWD": 0x160089, "read_control | WRITE_DAC": 0x60000, "TOKEN_QUERY,DELETE": 0x10008,
		"gr": 0x80000000, "0o37777777777": 1<<32 - 1, "0b10000000000000000000000000000000": 1 << 31,
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
		"POLICY_ALL_ACCESS": 0xF0FFF, "WINSTA_ALL_ACCESS": 0x37F, "FR\t|\nFW\n": 0x12019F,
		"POLICY_LOOKUP_NAMES": 0x800, "DESKTOP_CREATEWINDOW": 2, "WINSTA_CREATEDESKTOP": 8, " FR | FW ": 0x12019F,
	} {
		got, err := sddl.ParseRights(text)
		check.That(t, err == nil && got == want, "ParseRights(%s) = %v, %v, want %v", text, got, err, want)
	}
	for _, text := range []string{"", " ", "|", "FR|", "|FR", "FR||FW", "FR, ,FW", "FR,", "X", "FRX", "QQ", "FR|QQ",
		"QQ|FR", "0x100000000", "4294967296", "0o40000000000", "-1", "FRW", "0xg", "09", "1FR", "FR1", "FILE_READ", "0x"} {
		if got, err := sddl.ParseRights(text); err == nil || got != 0 ||
			!strings.HasPrefix(err.Error(), `rights "`+text+`": `) {
			t.Errorf("ParseRights(%q) = %v, %v, want an error that quotes the text, and no rights", text, got, err)
		}
	}
}

// TestRightOfOtherTypeSplitsAsParseRights checks that no separator hides a name of another type (B-91).
func TestRightOfOtherTypeSplitsAsParseRights(t *testing.T) {
	for text, want := range map[string]string{"PROCESS_TERMINATE\n": "PROCESS_TERMINATE", "FR\tkey_read": "KEY_READ",
		"FR|PROCESS_TERMINATE": "PROCESS_TERMINATE", "FR,WINSTA_ALL_ACCESS": "WINSTA_ALL_ACCESS",
		"FILE_READ_DATA\nDELETE,GENERIC_ALL|0x1": ""} {
		check.Equal(t, sddl.RightOfOtherType(text, winnt.FileObject), want, "%q on a file", text)
	}
}

// A mask is hexadecimal, octal or decimal, and ends after its digits. A number that is too large saturates, and
// ParseStrict refuses it (S-38).
func TestMaskParsesHexOctalAndDecimal(t *testing.T) {
	for text, want := range map[string]winnt.AccessMask{"9": 9, "19": 19, "0x1f": 0x1F, "0X1F": 0x1F, "017": 15,
		"0017": 15, "0": 0, "00": 0, "4294967295": 0xFFFFFFFF} {
		for name, read := range map[string]func(string, ...sddl.Options) (*sd.Descriptor, error){"lenient": sddl.Parse,
			"strict": sddl.ParseStrict} {
			d, err := read("D:(A;;" + text + ";;;WD)")
			check.That(t, err == nil && d.DACL().At(0).Mask() == want,
				"%s, %s: parsed as %v, %v, want %v", name, text, d, err, want)
		}
	}
	for text, want := range map[string]winnt.AccessMask{"4294967296": 0xFFFFFFFF, "0xfffffffff": 0xFFFFFFFF,
		"-1": 0xFFFFFFFF, "-0x2": 0xFFFFFFFE, "1FA": 0x1F01FF, "0x1GA": 0x10000001, "FA1": 0x1F01FF, "FA 0x200": 0, "1x5": 0,
		"99999999999999999999999": 0xFFFFFFFF} {
		d, err := sddl.Parse("D:(A;;" + text + ";;;WD)")
		check.That(t, (err == nil) == (want != 0) && (err != nil || d.DACL().At(0).Mask() == want),
			"%s: %v, want mask %v", text, err, want)
		check.That(t, check.Err(sddl.ParseStrict("D:(A;;"+text+";;;WD)")) != nil,
			"ParseStrict accepted %s, want an error", text)
	}
}

// FuzzParseRights checks that a parsed mask is printed as rights that parse to the same mask, and that parsing needs
// memory in proportion to the text (S-38, S-39, S-46).
func FuzzParseRights(f *testing.F) {
	for _, text := range []string{"FR|WD", "FRWD", "0x20089", "33", "FILE_READ_DATA", "read_control | WRITE_DAC",
		"TOKEN_QUERY,DELETE",
		"", "|", "-1", "0x123456789", "GR0x1", "0x", "00000000000000000000", strings.Repeat("GA|", 1000),
		strings.Repeat("0", 5000)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		bounded.Run(t, len(text), func() {
			m, err := sddl.ParseRights(text)
			if err != nil || m == 0 {
				return
			}
			if again, err := sddl.ParseRights(sddl.FormatRights(m)); err != nil || again != m {
				t.Errorf("%q parsed as %#x, printed as %q, then parsed as %#x, %v, want the same mask", text, uint32(m),
					sddl.FormatRights(m), uint32(again), err)
			}
		})
	})
}
