# The first boot of a host, as root; constructs/slipway/host_boot.py defines the variables in capitals. A command that
# fails ends it: the document of the releases then says so, and /var/log/cloud-init-output.log has the cause.
set -euo pipefail

# The data disk outlives the host, so the host before this one may still hold it for a moment.
mount_data() {
  local token instance device tries
  token=$(curl -fsS -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 300' http://169.254.169.254/latest/api/token)
  instance=$(curl -fsS -H "X-aws-ec2-metadata-token: $token" http://169.254.169.254/latest/meta-data/instance-id)
  tries=0
  until aws --region "$REGION" ec2 attach-volume --volume-id "$VOLUME" --instance-id "$instance" --device /dev/sdf; do
    tries=$((tries + 1))
    [ "$tries" -lt 60 ]
    sleep 10
  done
  device=/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_${VOLUME/-/}
  tries=0
  until [ -e "$device" ]; do
    tries=$((tries + 1))
    [ "$tries" -lt 60 ]
    sleep 2
  done
  # 2 is blkid's code for a disk without a file system; any other error must not lead to a new one over the data.
  local found=0
  blkid "$device" || found=$?
  if [ "$found" -eq 2 ]; then
    mkfs.xfs "$device"
  fi
  mkdir -p /data
  echo "$device /data xfs defaults,nofail,x-systemd.device-timeout=120 0 2" >> /etc/fstab
  mount /data
  bind /data/srv /srv
  bind /data/docker-volumes /var/lib/docker/volumes
}

bind() {
  mkdir -p "$1" "$2"
  echo "$1 $2 none bind,nofail,x-systemd.requires-mounts-for=/data 0 0" >> /etc/fstab
  mount "$2"
}

# Before Docker starts, since its volumes are on the disk.
if [ -n "$VOLUME" ]; then
  mount_data
fi

# Amazon Linux 2023 installs the packages of the release that its image is of, so an image decides their versions.
dnf install -y docker amazon-ecr-credential-helper amazon-cloudwatch-agent

if ! docker compose version > /dev/null 2>&1; then
  machine=$(uname -m)
  case "$machine" in
    aarch64) digest=$COMPOSE_AARCH64 ;;
    x86_64) digest=$COMPOSE_X86_64 ;;
  esac
  plugins=/usr/libexec/docker/cli-plugins
  mkdir -p "$plugins"
  curl -fsSL --retry 5 --retry-all-errors -o /tmp/docker-compose \
    "https://github.com/docker/compose/releases/download/v$COMPOSE_VERSION/docker-compose-linux-$machine"
  echo "$digest  /tmp/docker-compose" | sha256sum --check --quiet
  install -m 0755 /tmp/docker-compose "$plugins/docker-compose"
fi

mkdir -p /etc/docker /root/.docker
# Containers do not wait for CloudWatch: without it, the newest lines are dropped.
cat > /etc/docker/daemon.json << END
{"log-driver": "awslogs", "log-opts": {"awslogs-region": "$REGION", "awslogs-group": "$LOG_GROUP",
 "tag": "{{.Name}}/$HOST", "mode": "non-blocking", "max-buffer-size": "4m"}, "live-restore": true}
END
echo "{\"credHelpers\": {\"$REGISTRY\": \"ecr-login\"}}" > /root/.docker/config.json
systemctl enable --now docker

mkdir -p /opt/aws/amazon-cloudwatch-agent/etc
cat > /opt/aws/amazon-cloudwatch-agent/etc/slipway.json << END
$AGENT
END
amazon-cloudwatch-agent-ctl -a fetch-config -m ec2 -s \
  -c file:/opt/aws/amazon-cloudwatch-agent/etc/slipway.json

# After a later boot, the host runs what the environment runs: it may have been off during a release.
mkdir -p /opt/slipway
aws --region "$REGION" s3 cp --only-show-errors "$RUNNER" /opt/slipway/boot.zip
cat > /etc/systemd/system/slipway-host.service << END
[Unit]
Description=Runs the environment's release
Requires=docker.service
After=docker.service network-online.target

[Service]
Type=oneshot
ExecStart=/usr/bin/python3 /opt/slipway/boot.zip --region $REGION --bucket $BUCKET --configuration $CONFIGURATION apply current

[Install]
WantedBy=multi-user.target
END
systemctl daemon-reload
systemctl enable slipway-host
