import dayjs from 'dayjs';

export function stamp(seconds: number): string {
  return dayjs(seconds * 1000).format('YYYY');
}

console.log(stamp(86400 * 400));
