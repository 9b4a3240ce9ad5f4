// Package smbd starts Samba's file server for tests, as a real counterpart for the attribute in which Samba stores
// descriptors. It needs Linux, root and an installed server. Otherwise [Start] skips the test with a reason, or fails
// it with REFMON_SAMBA=required.
//
//	s := smbd.Start(t, smbd.Share{Name: "v4"})
//	s.Cacls("root", "v4", "file", "--sddl", "-S", "D:(A;;FA;;;WD)")
//
// Guards: none; a server belongs to one test.
package smbd
