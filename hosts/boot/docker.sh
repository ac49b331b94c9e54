# Before Docker starts, since its volumes are on the disk.
if [ -n "$VOLUME" ]; then
  mount_data
  bind /data/docker-volumes /var/lib/docker/volumes
fi

# Amazon Linux 2023 installs the packages of the release that its image is of, so an image decides their versions.
dnf install -y docker amazon-cloudwatch-agent

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

mkdir -p /etc/docker
# Containers do not wait for CloudWatch: without it, the newest lines are dropped.
cat > /etc/docker/daemon.json << END
{"log-driver": "awslogs", "log-opts": {"awslogs-region": "$REGION", "awslogs-group": "$LOG_GROUP",
 "tag": "{{.Name}}/$HOST", "mode": "non-blocking", "max-buffer-size": "4m"}, "live-restore": true}
END
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
