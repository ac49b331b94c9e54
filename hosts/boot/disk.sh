# The first boot of a host, as root; constructs/slipway/host_boot.py defines the variables in capitals. A command that
# fails ends it: the document of the releases then says so, and /var/log/cloud-init-output.log has the cause.
set -euo pipefail
# By default the AWS CLI asks once for the role's credentials, and waits a second.
export AWS_METADATA_SERVICE_TIMEOUT=10 AWS_METADATA_SERVICE_NUM_ATTEMPTS=10

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
}

bind() {
  mkdir -p "$1" "$2"
  echo "$1 $2 none bind,nofail,x-systemd.requires-mounts-for=/data 0 0" >> /etc/fstab
  mount "$2"
}
