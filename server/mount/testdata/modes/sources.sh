# Makes, in the directory that it is given, what the programs of TestProgramsSettingModesBehaveLikeOnHost copy.
set -e; umask 022; cd "$1"
mkdir -p s/d/e s/closed; echo text >s/d/f
printf '#!/bin/sh\ntrue\n' >s/prog; chmod 755 s/prog; echo secret >s/private; chmod 644 s/private
echo deep >s/d/e/g; chmod 444 s/d/e/g; chmod 700 s/closed; chmod 755 s/closed
ln -s d/f s/link; touch -d 2020-02-02 s/d/f
git init -q g; cd g; git config user.email a@b; git config user.name a
cp -r ../s/d ../s/prog .; git add .; git commit -qm one
git checkout -q -b other; echo other >d/f; git rm -q prog; git commit -qam two; git checkout -q -; cd ..
mkdir -p deb/DEBIAN deb/usr/bin
printf 'Package: p\nVersion: 1\nArchitecture: all\nMaintainer: a <a@b>\nDescription: d\n' \
	>deb/DEBIAN/control
cp s/prog deb/usr/bin/p; chmod 4755 deb/usr/bin/p; dpkg-deb -b --root-owner-group deb p.deb >/dev/null
if command -v apt-get >/dev/null; then # a repository with this package alone, which needs no network
	mkdir -p apt/lists/partial apt/archives
	{ cat deb/DEBIAN/control; echo 'Filename: ./p.deb'; stat -c 'Size: %s' p.deb
		sha256sum p.deb | sed 's, .*,,; s,^,SHA256: ,'; } >Packages
	echo "deb [trusted=yes] copy:$1 ./" >apt/list
	printf '%s "%s";\n' Dir::State "$1/apt" Dir::State::status /dev/null Dir::Cache "$1/apt" \
		Dir::Etc::sourceparts /dev/null Dir::Etc::sourcelist "$1/apt/list" APT::Sandbox::User root >apt.conf
	APT_CONFIG=$1/apt.conf apt-get -qq update
fi
mkdir -p n dep; echo '{"name":"dep","version":"1.0.0"}' >dep/package.json; echo 'module.exports = 1' >dep/index.js
tar -czf n/dep.tgz --transform s,^dep,package, dep
echo '{"name":"n","version":"1.0.0","dependencies":{"dep":"file:dep.tgz"}}' >n/package.json
mkdir w; cd w; mkdir p p-1.dist-info; echo 'x = 1' >p/__init__.py
printf 'Metadata-Version: 2.1\nName: p\nVersion: 1\n' >p-1.dist-info/METADATA
printf 'Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n' >p-1.dist-info/WHEEL
printf 'p/__init__.py,,\np-1.dist-info/METADATA,,\np-1.dist-info/WHEEL,,\np-1.dist-info/RECORD,,\n' >p-1.dist-info/RECORD
zip -qr ../p-1-py3-none-any.whl .; cd ../n
npm install --package-lock-only --offline --no-audit --no-fund --cache "$1/cache" >/dev/null; rm -rf "$1/cache"
