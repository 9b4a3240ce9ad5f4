#!/bin/bash
# Boots a virtual machine with systemd, installs the deb packages in it and tests their units (booted.sh), as root:
#
#   bash packaging/boot.sh [FOLDER]
#
# FOLDER has the packages; by default it builds them for this machine with QUICK=1. REFMON_BOOT_ROOT=FILE.tar keeps the
# Debian root for the next run. It uses KVM if /dev/kvm is usable and emulates the processor otherwise, which is
# slower. Without its tools or Debian's mirror it prints the reason and exits with 77.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
[ "$(id -u)" = 0 ] || { echo "SKIPPED: a Debian root is made by root alone"; exit 77; }
[ "$(dpkg --print-architecture)" = amd64 ] || { echo "SKIPPED: the virtual machine is an amd64 one"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
seconds=1800 # after which the machine is ended; an emulated one needs 11 minutes on idle processors

main() {
	local packages=${1:-} base=${REFMON_BOOT_ROOT:-$work/base.tar} t0=$SECONDS accel=kvm rc=0
	if [ ! -s "$base" ]; then
		mmdebstrap --variant=minbase --include=systemd,systemd-sysv,dbus,udev,linux-image-cloud-amd64,python3,fuse3,kmod,curl,procps,apparmor,iproute2 \
			"$(. /etc/os-release && echo "$VERSION_CODENAME")" "$work/new.tar" >"$work/log" 2>&1 ||
			{ tail -n 5 "$work/log"; echo "SKIPPED: mmdebstrap makes no Debian root here"; exit 77; }
		mv "$work/new.tar" "$base"
	fi
	echo "the Debian root: $((SECONDS - t0)) s"
	t0=$SECONDS
	if [ -z "$packages" ]; then
		packages=$work/packages
		QUICK=1 TARGETS=linux/amd64 FORMATS=deb bash packaging/build.sh "$packages" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
	fi
	echo "the packages: $((SECONDS - t0)) s"
	image "$base" "$packages"
	t0=$SECONDS
	# A host that is itself a virtual machine may not let its guests set the IA32_ARCH_CAPABILITIES register.
	[ ! -w /dev/kvm ] || { machine kvm host,arch-capabilities=off || rc=$?; }
	# Not every such host can run a whole Linux kernel.
	[ -s "$work/serial" ] && ! grep -q 'KVM internal error' "$work/errors" || { accel=tcg rc=0; machine tcg,thread=multi max || rc=$?; }
	tr -d '\r' <"$work/serial" | sed -n '/^=== units/,$p'
	echo "the virtual machine ($accel): $((SECONDS - t0)) s"
	if ! tr -d '\r' <"$work/serial" | grep -q '^RESULT: 0 failed$'; then
		[ -n "$(sed -n '/^=== units/p' "$work/serial")" ] || tail -n 40 "$work/serial"
		echo "FAILED: the machine's serial console does not end with RESULT: 0 failed (qemu: $rc)"
		exit 1
	fi
}

# machine ACCEL CPU runs the virtual machine until it is switched off, and ends it after an internal error of KVM.
machine() {
	timeout "$seconds" qemu-system-x86_64 -machine q35 -accel "$1" -cpu "$2" -smp 2 -m 2048 -display none -no-reboot -nic none \
		-kernel "$work"/boot/vmlinuz-* -initrd "$work"/boot/initrd.img-* \
		-append "root=/dev/vda rw console=ttyS0 quiet systemd.show_status=false" \
		-drive "file=$work/image,if=virtio,format=raw,cache=unsafe" -device virtio-rng-pci -serial "file:$work/serial" 2>"$work/errors" &
	while sleep 5 && kill -0 $! 2>/dev/null; do
		grep -q 'KVM internal error' "$work/errors" && kill $!
	done
	wait $!
}

# image BASE PACKAGES writes an ext4 image of the Debian root, the packages and the unit that runs booted.sh.
image() {
	local root=$work/root
	mkdir -p "$root"
	tar -xpf "$1" -C "$root"
	mkdir -p "$root/packages" "$work/boot"
	cp "$2"/refmon_*.deb "$2"/refmond_*.deb packaging/booted.sh "$root/packages/"
	mv "$root"/boot/vmlinuz-* "$root"/boot/initrd.img-* "$work/boot/"
	echo refmon-boot >"$root/etc/hostname"
	printf '127.0.0.1 localhost refmon-boot\n' >"$root/etc/hosts"
	cat >"$root/etc/systemd/system/booted.service" <<-'END'
		[Unit]
		After=multi-user.target systemd-journald.service

		[Service]
		Type=exec
		ExecStart=/bin/sh -c 'echo "=== units"; bash /packages/booted.sh; systemctl --no-block poweroff'
		StandardOutput=file:/dev/ttyS0
		StandardError=file:/dev/ttyS0

		[Install]
		WantedBy=graphical.target
	END
	mkdir -p "$root/etc/systemd/system/graphical.target.wants"
	ln -s ../booted.service "$root/etc/systemd/system/graphical.target.wants/"
	ln -s /lib/systemd/system/graphical.target "$root/etc/systemd/system/default.target"
	ln -s /dev/null "$root/etc/systemd/system/serial-getty@ttyS0.service"
	mke2fs -q -t ext4 -d "$root" "$work/image" 2G
	rm -rf "$root"
}

main "$@"
